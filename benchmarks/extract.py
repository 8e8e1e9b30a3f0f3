"""The whole features stage against a plain loop in the style of the field, on two cores.

Both encode some slides one after another, as a job of the stage does, and write their features. The
plain loop: for each slide a DataLoader whose workers read tile after tile with OpenSlide, as PIL
images, through a transform, and a model that takes the batches. Weights are random, the slides are
one painted slide again and again.
Also printed is the trace of the encoder: which share of its time it waited for tiles. As no GPU is
at hand, one is stood in for by an encoder that sleeps for as long as one of that speed would work.

    python benchmarks/extract.py [--side 6000] [--slides 8] [--encoders colour_texture]
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import h5py
import numpy as np
import openslide
import torch
from torch.utils.data import DataLoader, Dataset

from slidesieve.encoders.base import Encoder
from slidesieve.encoders.registry import load_encoder
from slidesieve.extraction.extractor import extract_features
from slidesieve.extraction.jobs import SlideTask, extract_slides
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import read_tiles, write_tiles
from slidesieve.synthetic.painter import paint_large
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

BATCH_TILES = 64


class Traced:
    """An encoder that notes when it was at work."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.spans: list[tuple[float, float]] = []

    def __getattr__(self, name: str):
        return getattr(self._encoder, name)

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        """Encode, and note from when to when."""
        start = time.perf_counter()
        features = self._encoder.encode(tiles)
        self.spans.append((start, time.perf_counter()))
        return features

    @property
    def waiting_share(self) -> float:
        """Share of the time between the first start and the last end that it did not work."""
        busy = sum(end - start for start, end in self.spans)
        return 1 - busy / (self.spans[-1][1] - self.spans[0][0])


class SleepingDevice:
    """Takes as long as a device that encodes so many tiles a second, and leaves the cores alone."""

    name, dim, revision, source, transform, pooling = "device", 1, "1", "", "none", "none"
    precision, tile_px, runs_in_workers = "fp32", None, False

    def __init__(self, tiles_per_second: float) -> None:
        self._rate = tiles_per_second

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        """Wait, and give zeros."""
        time.sleep(len(tiles) / self._rate)
        return np.zeros((len(tiles), 1), np.float32)


class PlainTiles(Dataset):
    """Tiles read one by one; each worker opens the slide for itself."""

    def __init__(self, path: Path, tiles: TileSet) -> None:
        self._path, self._tiles, self._slide = path, tiles, None

    def __len__(self) -> int:
        return len(self._tiles.coords)

    def __getitem__(self, row: int) -> torch.Tensor:
        if self._slide is None:
            self._slide = openslide.OpenSlide(self._path)
        spec = self._tiles.spec
        corner = tuple(self._tiles.coords[row].tolist())
        image = self._slide.read_region(corner, spec.level, (spec.read_px, spec.read_px))
        image = image.convert("RGB").resize((spec.tile_px, spec.tile_px))
        return torch.from_numpy(np.array(image))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=6000, help="of the painted slide, px")
    parser.add_argument("--slides", type=int, default=8, help="of a job")
    parser.add_argument("--mpp", type=float, default=0.5, help="of the painted slide")
    parser.add_argument("--encoders", nargs="*", default=["colour_texture", "timm:resnet18"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device-speeds", type=float, nargs="*", default=[500, 1000, 2000, 3000])
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.workers)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "painted.svs"
        paint_large(path, options.side, options.mpp)
        tissue = segment_slide(path, "painted", TissueParams())
        tiles = tile_slide(path, "painted", tissue, TileSettings(256, 0.5, 256, 0.5))
        tasks = tasks_of(path, options.slides)
        write_tiles(tasks[0].tiles, tiles)
        print(
            f"{options.side} px, {options.slides} slides of {len(tiles.coords)} tiles, "
            f"{options.workers} workers"
        )
        for name in options.encoders:
            compare(name, tasks, options.workers, options.repeats)
        for speed in options.device_speeds:
            print(f"a device of {speed:g} tiles/s ", end="")
            print_trace(SleepingDevice(speed), path, tiles, options.workers)


def tasks_of(path: Path, slides: int) -> list[SlideTask]:
    """A job for a slide again and again, in the slide's folder."""
    folder = path.parent
    return [
        SlideTask(f"s{i}", path, folder / "tiles.h5", folder / "features" / f"s{i}.h5")
        for i in range(slides)
    ]


def compare(name: str, tasks: list[SlideTask], workers: int, repeats: int) -> None:
    """Best of some rounds of each way, and their ratio."""
    entry = {"name": name} | ({"pretrained": False, "device": "cpu"} if ":" in name else {})
    encoder = load_encoder(entry)
    ours, plain = [], []
    for _ in range(repeats):
        ours.append(seconds(lambda: extract_anew(tasks, encoder, workers)))
        plain.append(seconds(lambda: plain_loop(tasks, encoder, workers)))
    (our_wall, our_cpu), (plain_wall, plain_cpu) = np.min(ours, axis=0), np.min(plain, axis=0)
    per_hour = 3600 * len(tasks)
    print(
        f"{name}: {per_hour / our_wall:.0f} slides/h, plain loop {per_hour / plain_wall:.0f}; "
        f"ratio {plain_wall / our_wall:.2f} by the clock, {plain_cpu / our_cpu:.2f} in CPU time"
    )
    if not encoder.runs_in_workers:
        print("  its encoder ", end="")
        print_trace(encoder, tasks[0].path, read_tiles(tasks[0].tiles), workers)


def print_trace(encoder: Encoder, path: Path, tiles: TileSet, workers: int) -> None:
    """Print the share of its time that an encoder waits."""
    traced = Traced(encoder)
    extract_features(path, tiles, traced, workers, BATCH_TILES)
    print(f"waited {traced.waiting_share:.1%} of its time, {len(traced.spans)} batches")


def extract_anew(tasks: list[SlideTask], encoder: Encoder, workers: int) -> None:
    """Our job, with nothing kept from an earlier one."""
    shutil.rmtree(tasks[0].out.parent, ignore_errors=True)
    extract_slides(tasks, encoder, "fail", workers)


def plain_loop(tasks: list[SlideTask], encoder: Encoder, workers: int) -> None:
    """The same by the plain loop."""
    for task in tasks:
        tiles = read_tiles(task.tiles)
        loader = DataLoader(PlainTiles(task.path, tiles), BATCH_TILES, num_workers=workers)
        features = np.concatenate([encoder.encode(batch.numpy()) for batch in loader])
        with h5py.File(task.out.with_suffix(".plain.h5"), "w") as file:
            file["features"], file["coords"] = features, tiles.coords


def seconds(function) -> tuple[float, float]:
    """How long a call takes by the clock, and in CPU time of this process and its children."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    function()
    return time.perf_counter() - wall, sum(os.times()[:4]) - cpu


if __name__ == "__main__":
    main()
