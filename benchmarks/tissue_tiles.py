"""Time and memory of tissue and tiles on a large slide, imports and all.

The slide is painted, 30,000 x 30,000 px at 0.5 um/px. Peer: another tool needs 6.6 s and 200 MB
with its imports; the aim is half the time and no more memory.

    python benchmarks/tissue_tiles.py [--side 30000] [--slide FILE] [--repeats 5]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

WHOLE_PROCESS = """
import sys
from pathlib import Path
from slidesieve.figures.tissue_overview import write_overview
from slidesieve.store.tiles import write_tiles
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.geojson import write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

slide, out = map(Path, sys.argv[1:])
tissue = segment_slide(slide, "large", TissueParams())
write_tissue(out / "large.geojson", tissue)
tiles = tile_slide(slide, "large", tissue, TileSettings(256, 0.5, 256, 0.5))
write_tiles(out / "large.h5", tiles)
write_overview(out / "large.jpg", slide, tissue, tiles)
print(len(tiles.coords), "tiles")
"""


def measure(slide: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak MB of one process that does both stages."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", WHOLE_PROCESS, str(slide), str(out)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the process failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Paint the slide if none is given, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slide = options.slide or folder / "large.svs"
        if options.slide is None:
            from slidesieve.synthetic.painter import paint_large

            paint_large(slide, options.side)
        runs = [measure(slide, folder) for _ in range(options.repeats)]
    seconds, peaks = zip(*runs, strict=True)
    print(f"{median(seconds):.2f} s (best {min(seconds):.2f}), {max(peaks):.0f} MB")


if __name__ == "__main__":
    main()
