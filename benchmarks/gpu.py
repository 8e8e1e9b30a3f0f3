"""What the GPU does: encoding by architecture, waiting for tiles, training, DTC.

    python benchmarks/gpu.py                    # the table for docs/evidence/
    python benchmarks/gpu.py --tiny --device cpu    # a minute anywhere, to see that it runs

Weights are random: speed does not depend on their values. Tiles come from a painted slide, through
the same threads as in a run. Peer for the share of waiting: an encoder that is handed tiles from
memory and never waits.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from slidesieve.bags import Bag
from slidesieve.encoders.registry import load_encoder
from slidesieve.extraction.extractor import extract_features
from slidesieve.inference.cost import measure_cost
from slidesieve.models.classifier import build_model
from slidesieve.runtime.devices import pick_device
from slidesieve.store.tile_records import TileSet
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

ARCHITECTURES = ("resnet50", "vit_base_patch16_224", "vit_large_patch16_224")
MODELS = {
    "abmil": {"aggregator": "abmil"},
    "dtc_abmil": {"reducer": {"name": "dtc", "retention": 0.4}, "aggregator": "abmil"},
}
WIDTH = 512


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    parser.add_argument("--tiny", action="store_true", help="one small setting of everything")
    options = parser.parse_args()
    device = pick_device(options.device)
    is_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_gpu else platform.machine()
    print(f"{device.type}: {name}; torch {torch.__version__}; {options.threads} reading threads\n")
    print_encoding(device, options.threads, options.tiny)
    print_training(device, options.tiny)
    print_cost(device, options.tiny)


def print_encoding(device: torch.device, threads: int, tiny: bool) -> None:
    """Tiles per second from memory and from a slide, and the share of time spent waiting."""
    print("| encoder | tiles/s from memory | tiles/s from a slide | share of waiting |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painted.svs"
        tiles = paint(path, side_px=1_536 if tiny else 12_288)
        for architecture in ARCHITECTURES[:1] if tiny else ARCHITECTURES:
            alone, whole = tiles_per_second(architecture, path, tiles, device, threads, tiny)
            print(
                f"| {architecture} | {alone:.0f} | {whole:.0f} | {max(0, 1 - whole / alone):.0%} |"
            )


def tiles_per_second(
    architecture: str, path: Path, tiles: TileSet, device: torch.device, threads: int, tiny: bool
) -> tuple[float, float]:
    """Speed of an encoder with random weights: on tiles from memory, and on a slide."""
    entry = {"name": f"timm:{architecture}", "pretrained": False, "device": str(device)}
    encoder = load_encoder(entry)
    batch = np.random.default_rng(0).integers(0, 255, (64, 256, 256, 3), dtype=np.uint8)
    encoder.encode(batch)  # the first call compiles and allocates
    rounds = 1 if tiny else 20
    from_memory = seconds(lambda: [encoder.encode(batch) for _ in range(rounds)])
    from_slide = seconds(lambda: extract_features(path, tiles, encoder, workers=threads))
    return 64 * rounds / from_memory, len(tiles.coords) / from_slide


def print_training(device: torch.device, tiny: bool) -> None:
    """Epochs per second on bags as long as real ones."""
    n_slides, n_tokens = (6, 200) if tiny else (64, 10_000)
    bags = random_bags(n_slides, n_tokens)
    print(f"\n| model, {n_slides} slides of {n_tokens} tokens | epochs/s, mixed precision | full |")
    print("|---|---|---|")
    for name, spec in MODELS.items():
        rates = [epochs_per_second(spec, bags, device, amp) for amp in (True, False)]
        print(f"| {name} | {rates[0]:.2f} | {rates[1]:.2f} |")


def print_cost(device: torch.device, tiny: bool) -> None:
    """What DTC saves, or costs, on one bag."""
    n_tokens = 500 if tiny else 13_900
    print(f"\n| model, one bag of {n_tokens} tokens | tokens out | GFLOPs | peak MB | ms |")
    print("|---|---|---|---|---|")
    for name, spec in MODELS.items():
        model = build_model(spec, WIDTH, 2)
        row = measure_cost(model, n_tokens, WIDTH, str(device), threads=1, repeats=5)
        columns = ("tokens_out", "gflops", "peak_memory_mb", "latency_ms_median")
        print(f"| {name} | " + " | ".join(f"{row[column]:.4g}" for column in columns) + " |")


def paint(path: Path, side_px: int) -> TileSet:
    """Paint a slide of tissue from edge to edge, with some glass around it, and tile it."""
    rng = np.random.default_rng(0)
    rgb = np.full((side_px, side_px, 3), 243, np.uint8)
    inner = side_px - 256
    rgb[128:-128, 128:-128] = rng.integers(-30, 30, (inner, inner, 1)) + np.array([190, 130, 170])
    write_aperio(path, array_picture(rgb, (1, 4)), (1, 4), 0.5)
    tissue = segment_slide(path, "painted", TissueParams())
    return tile_slide(path, "painted", tissue, TileSettings(256, 0.5, 256))


def random_bags(n_slides: int, n_tokens: int) -> list[Bag]:
    """Bags of half to one and a half times `n_tokens` random tokens."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(n_tokens // 2, 3 * n_tokens // 2, n_slides)
    return [
        Bag(
            f"s{i}",
            f"p{i}",
            i % 2,
            rng.standard_normal((length, WIDTH)).astype(np.float16),
            np.stack(np.divmod(np.arange(length), 100), axis=1) * 256,
        )
        for i, length in enumerate(lengths.tolist())
    ]


def epochs_per_second(spec: dict, bags: list[Bag], device: torch.device, amp: bool) -> float:
    """Epochs of training per second, start aside."""
    times = [
        seconds(lambda n=n: fit_fold(spec, bags, [], ("a", "b"), settings(n, amp), device))
        for n in (1, 1, 4)
    ]
    return 3 / (times[2] - times[1])


def settings(epochs: int, amp: bool) -> TrainingSettings:
    """The defaults, for a number of epochs."""
    return TrainingSettings(epochs=epochs, amp=amp)


def seconds(work: Callable[[], object]) -> float:
    """Time some work; its results are on the CPU, so the GPU has finished too."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
