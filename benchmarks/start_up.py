"""What a job of the features stage costs before its first tile, and what sharing a job saves.

A painted slide is encoded eight times in jobs of 1, 2 and 8, each a process of its own that does
what workflow/scripts/features.py does, on one thread. CPU time is counted, as the clock depends on
what else the machine does. The ViT-B has random weights in a local file.

    python benchmarks/start_up.py [--side 2048] [--slides 8]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VIT = "timm:vit_base_patch16_224"


def main() -> None:
    """Paint, run the jobs, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048, help="of a painted slide, px")
    parser.add_argument("--slides", type=int, default=8)
    parser.add_argument("--slides-per-job", type=int, nargs="*", default=[1, 2, 8])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tiles_per_slide = paint(Path(folder), options.side)
        print(f"{options.slides} slides of {tiles_per_slide} tiles; CPU seconds, one thread")
        print(
            "encoder | start and imports | model load | a slide | share of start-up, by slides/job"
        )
        for entry in ({"name": "colour_texture"}, random_vit(Path(folder))):
            shares = []
            for per_job in options.slides_per_job:
                jobs = [run_job(folder, entry, per_job) for _ in range(options.slides // per_job)]
                imports, load, encoding = (sum(job[part] for job in jobs) for part in range(3))
                shares.append(f"{per_job}: {(imports + load) / (imports + load + encoding):.1%}")
            parts = f"{imports / len(jobs):.1f} | {load / len(jobs):.1f}"
            print(f"{entry['name']} | {parts} | {encoding / options.slides:.1f} |", *shares)


def paint(folder: Path, side: int) -> int:
    """Paint one slide, tile it, and return the number of its tiles."""
    from slidesieve.store.tiles import write_tiles
    from slidesieve.synthetic.painter import paint_large
    from slidesieve.tiling.settings import TileSettings
    from slidesieve.tiling.tile import tile_slide
    from slidesieve.tissue.params import TissueParams
    from slidesieve.tissue.segment import segment_slide

    path = folder / "painted.svs"
    paint_large(path, side, 0.5)
    tissue = segment_slide(path, "painted", TissueParams())
    tiles = tile_slide(path, "painted", tissue, TileSettings(256, 0.5, 256, 0.5))
    write_tiles(folder / "painted.h5", tiles)
    return len(tiles.coords)


def random_vit(folder: Path) -> dict:
    """Config entry of a ViT-B whose weights are drawn and stored."""
    from safetensors.torch import save_file

    from slidesieve.encoders.torchvision_compat import import_torchvision

    import_torchvision()
    import timm

    weights = folder / "vit.safetensors"
    save_file(timm.create_model(VIT.removeprefix("timm:")).state_dict(), weights)
    return {"name": VIT, "weights": str(weights), "device": "cpu"}


def run_job(folder: str, entry: dict, n_slides: int) -> list[float]:
    """CPU seconds of start and imports, of loading the model, and of encoding, in a new process."""
    command = [sys.executable, __file__, "job", folder, json.dumps(entry), str(n_slides)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def job(folder: str, entry: str, n_slides: str) -> None:
    """What workflow/scripts/features.py does, with the times printed."""
    from snakemake import script  # noqa: F401  Snakemake's preamble to every script

    from slidesieve.encoders.registry import load_encoder
    from slidesieve.extraction.jobs import SlideTask, extract_slides

    imported = time.process_time()
    encoder = load_encoder(json.loads(entry))
    if not encoder.runs_in_workers:
        from slidesieve.runtime.devices import set_threads

        set_threads(1)
    loaded = time.process_time()
    root = Path(folder)
    with tempfile.TemporaryDirectory(dir=root) as out:
        tasks = [
            SlideTask("painted", root / "painted.svs", root / "painted.h5", Path(out) / f"{n}.h5")
            for n in range(int(n_slides))
        ]
        extract_slides(tasks, encoder, "fail", workers=1)
    print(json.dumps([imported, loaded - imported, time.process_time() - loaded]))


if __name__ == "__main__":
    job(*sys.argv[2:]) if sys.argv[1:2] == ["job"] else main()
