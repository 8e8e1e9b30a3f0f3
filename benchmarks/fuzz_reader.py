"""Mutated slides through both readers: whatever is broken, the answers agree and nothing crashes.

Bytes of small real TIFFs are changed at random, most often in their directories and in the heads of
their tiles. Each mutant is opened and read at several places. The tiled reader must refuse what
OpenSlide refuses, give its pixels elsewhere, raise nothing but SlideError and TileReadError, and
need no more memory.

    python benchmarks/fuzz_reader.py [--inputs 10000] [--seed 0] [SLIDE ...]
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import tifffile
from tqdm import tqdm

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide

PACKINGS = (
    {"compression": "jpeg", "photometric": "rgb"},
    {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (2, 2)},
    {"compression": "adobe_deflate", "photometric": "rgb", "predictor": True},
    {"compression": "lzw", "photometric": "rgb"},
    {"photometric": "rgb"},
)
# OpenSlide asks for as many bytes as a tag says that a tile has, up to 4 GiB, and aborts without.
_MEMORY_BYTES = 12 << 30


def main() -> None:
    """Mutate, compare, print what was seen; exit 1 at the first disagreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slides", type=Path, nargs="*", help="more seeds, beside the made ones")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        seeds = [*made_slides(Path(folder)), *options.slides]
        seen = fuzz(seeds, Path(folder) / "mutant.tiff", options.inputs, options.seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(", ".join(f"{count} {what}" for what, count in sorted(seen.items())))
    print(f"peak memory {peak:.0f} MB")


def fuzz(seeds: list[Path], mutant: Path, inputs: int, seed: int) -> Counter[str]:
    """Compare both readers on mutants; what came of them, counted."""
    seen: Counter[str] = Counter()
    originals = [(path, path.read_bytes(), hot_bytes(path)) for path in seeds]
    for number in tqdm(range(inputs), disable=None):
        rng = np.random.default_rng([seed, number])
        path, content, hot = originals[number % len(originals)]
        place = mutant.with_suffix(path.suffix)
        place.write_bytes(mutate(content, hot, rng))
        try:
            seen.update(outcomes(place, rng))
        except Exception:
            keep = Path(f"failed_{seed}_{number}{path.suffix}")
            keep.write_bytes(place.read_bytes())
            print(f"input {number} of {path.name} is kept as {keep}", file=sys.stderr)
            raise
    return seen


def mutate(content: bytes, hot: np.ndarray, rng: np.random.Generator) -> bytes:
    """Change a few bytes, most of them hot ones, or cut the file."""
    if rng.random() < 0.05:
        return content[: rng.integers(1, len(content))]
    changed = np.frombuffer(content, np.uint8).copy()
    for _ in range(rng.integers(1, 6)):
        where = rng.choice(hot) if rng.random() < 0.8 else rng.integers(len(changed))
        values = (0, 255, 1, 128, rng.integers(256), changed[where] ^ (1 << rng.integers(8)))
        changed[where] = values[rng.integers(len(values))]
    return changed.tobytes()


def hot_bytes(path: Path) -> np.ndarray:
    """Places of the header, the directories with their values, and the first bytes of tiles."""
    places = [np.arange(16)]
    with tifffile.TiffFile(path) as tiff:
        for page in tiff.pages:
            places.append(page.offset + np.arange(2 + 12 * len(page.tags) + 4))
            places += [
                tag.valueoffset + np.arange(min(64, tag.valuebytecount)) for tag in page.tags
            ]
            places += [offset + np.arange(24) for offset in page.dataoffsets[:20]]
    return np.concatenate(places) % path.stat().st_size


def outcomes(path: Path, rng: np.random.Generator) -> list[str]:
    """Open and read a mutant with both readers.

    Raises:
        AssertionError: They disagree.
    """
    ours, theirs = opened(path, "auto"), opened(path, "openslide")
    assert ours is not None or theirs is None, "only OpenSlide opens it"
    if ours is None:
        return ["refused as slides"]
    if theirs is None:
        # Readers of other packings come after OpenSlide; the tiled one stands before it.
        ours.close()
        assert ours.name != "tiled", "only the tiled reader opens it"
        return [f"opened by {ours.name} alone"]
    seen = [f"opened by {ours.name}"]
    with ours, theirs:
        if ours.name == "openslide":
            return seen
        for _ in range(4):
            level = int(rng.integers(len(ours.level_dimensions)))
            x = int(rng.integers(-20, min(ours.width, 5000)))
            y = int(rng.integers(-20, min(ours.height, 5000)))
            width, height = (int(side) for side in rng.integers(1, 150, 2))
            found = region(ours, x, y, level, width, height)
            expected = region(theirs, x, y, level, width, height)
            assert (found is None) == (expected is None), f"only one reads {x, y, level}"
            if found is None:
                seen.append("regions refused")
            else:
                assert np.array_equal(found, expected), f"other pixels at {x, y, level}"
                seen.append("regions alike")
    return seen


def opened(path: Path, reader: str) -> SlideReader | None:
    """A slide, None if it is refused as one."""
    try:
        return open_slide(path, reader)
    except SlideError:
        return None


def region(slide: SlideReader, *where: int) -> np.ndarray | None:
    """Pixels, None if they cannot be decoded."""
    try:
        return slide.read_region(*where)
    except (TileReadError, SlideError):
        return None


def made_slides(folder: Path) -> list[Path]:
    """A small pyramid of each packing."""
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (210, 260, 3), np.uint8), (0, 0), 1.5)
    paths = []
    for number, packing in enumerate(PACKINGS):
        paths.append(folder / f"seed_{number}.tiff")
        with tifffile.TiffWriter(paths[-1]) as tiff:
            for level, step in enumerate((1, 3)):
                part = cv2.resize(image, (260 // step, 210 // step), interpolation=cv2.INTER_AREA)
                tiff.write(
                    part, tile=(64, 64), subfiletype=int(level > 0), metadata=None, **packing
                )
    return paths


if __name__ == "__main__":
    main()
