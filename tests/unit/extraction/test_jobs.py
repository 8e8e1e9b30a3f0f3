"""Finished features are used again only if slide, tiles, encoder and file are the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers.slide_grid import grid_of
from slidesieve.extraction.jobs import SlideTask, extract_slides
from slidesieve.extraction.kept import kept_path, set_aside
from slidesieve.slide.open import slide_fingerprint
from slidesieve.store.features import FeatureSet, read_features, write_features
from slidesieve.store.tiles import write_tiles
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio

SIDE_PX = 2304


class CountingEncoder:
    """Mean colours of tiles; counts the tiles that it encodes."""

    name, dim, revision, transform, pooling, tile_px = "mean", 3, "1", "none", "mean", None
    source, precision = "", "fp32"
    runs_in_workers = False

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, tiles: np.ndarray) -> np.ndarray:
        self.encoded += len(tiles)
        return tiles.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> Path:
    """A slide of more than 2 MiB, so that neither its first nor its last MiB holds its middle."""
    path = tmp_path_factory.mktemp("noise") / "s.svs"
    rgb = np.random.default_rng(0).integers(60, 200, (SIDE_PX, SIDE_PX, 3), np.uint8)
    write_aperio(path, array_picture(rgb, (1,)), (1,), 0.5)
    assert path.stat().st_size > 3 << 20
    return path


@pytest.fixture
def task(noise, tmp_path) -> SlideTask:
    slide = tmp_path / "s.svs"
    slide.write_bytes(noise.read_bytes())
    write_tiles(tmp_path / "tiles.h5", replace(grid_of(slide), slide_id="s", fingerprint="quick"))
    return SlideTask("s", slide, tmp_path / "tiles.h5", tmp_path / "features/s.h5")


@pytest.fixture
def encode(task) -> Callable[[], int]:
    """Run the job as Snakemake does: returns how many tiles were encoded for it."""

    def run() -> int:
        encoder = CountingEncoder()
        set_aside(task.out)
        task.out.unlink(missing_ok=True)
        extract_slides([task], encoder, "quarantine", workers=1)
        return encoder.encoded

    return run


def change_middle(slide: Path, start: int, content: bytes) -> bytes:
    """Overwrite some bytes in the middle of a slide; returns those that were there."""
    with slide.open("r+b") as file:
        file.seek(start)
        before = file.read(len(content))
        file.seek(start)
        file.write(content)
    return before


def test_finished_features_are_kept_and_nothing_lies_beside_them(task, encode):
    assert encode() > 0
    inode = task.out.stat().st_ino
    assert encode() == 0
    assert task.out.stat().st_ino == inode
    assert [path.name for path in task.out.parent.iterdir()] == ["s.h5"]
    assert task.out.stat().st_nlink == 1


def test_a_slide_whose_middle_changes_at_equal_size_is_encoded_anew(task, encode):
    encode()
    right = read_features(task.out).features
    before = slide_fingerprint(task.path)
    middle = task.path.stat().st_size // 2
    lost = change_middle(task.path, middle, bytes(60_000))
    assert slide_fingerprint(task.path) == before
    assert encode() > 0
    damaged = read_features(task.out)
    assert damaged.n_dropped or not np.array_equal(damaged.features, right)
    # ... and again when the transfer is mended: no tile stays dropped.
    change_middle(task.path, middle, lost)
    assert encode() > 0
    mended = read_features(task.out)
    assert mended.n_dropped == 0
    np.testing.assert_array_equal(mended.features, right)


def test_features_with_dropped_tiles_are_never_used_again(task, encode):
    encode()
    write_features(task.out, replace(read_features(task.out), n_dropped=2))
    assert encode() > 0
    assert read_features(task.out).n_dropped == 0


def test_a_flipped_feature_does_not_come_back(task, encode):
    encode()
    right = read_features(task.out).features
    with h5py.File(task.out, "r+") as file:
        file["features"][5, 1] += 1
    assert encode() > 0
    np.testing.assert_array_equal(read_features(task.out).features, right)


def test_an_attribute_that_changed_does_not_come_back(task, encode):
    encode()
    with h5py.File(task.out, "r+") as file:
        file["coords"].attrs["mpp"] = 0.4
    assert encode() > 0
    assert read_features(task.out).tile_attributes["mpp"] == 0.499


def test_a_deleted_file_is_encoded_anew(task, encode):
    encode()
    task.out.unlink()
    assert encode() > 0


def test_what_was_finished_before_a_kill_is_kept(task, encode):
    encode()
    kept_path(task.out).parent.mkdir()
    task.out.rename(kept_path(task.out))
    assert encode() == 0
    assert not kept_path(task.out).parent.exists()


@pytest.mark.parametrize("damage", ["structure", "cut", "text", "empty"])
def test_a_damaged_file_that_was_kept_is_made_again(task, encode, shared_data, damage):
    encode()
    whole = task.out.read_bytes()
    content = {
        "structure": (shared_data / "field_cases/hostile/kept_damaged_structure.h5").read_bytes(),
        "cut": whole[: len(whole) // 2],
        "text": b"no HDF5",
        "empty": b"",
    }
    task.out.write_bytes(content[damage])
    assert encode() > 0
    assert len(read_features(task.out).features)


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_byte_anywhere_is_never_kept_with_other_numbers(task, encode, seed):
    encode()
    right = read_features(task.out).features
    content = bytearray(task.out.read_bytes())
    for place in np.random.default_rng(seed).integers(0, len(content), 8):
        content[place] ^= 0x5A
    task.out.write_bytes(bytes(content))
    encode()
    np.testing.assert_array_equal(read_features(task.out).features, right)


def test_leftovers_of_killed_writers_are_swept(task, encode):
    task.out.parent.mkdir()
    orphan = task.out.parent / ".s.abc123.partial.h5"
    other = task.out.parent / ".s2.abc123.partial.h5"
    for path in (orphan, other):
        path.touch()
    encode()
    assert not orphan.exists()
    assert other.exists()  # another job's


def test_features_say_which_slide_content_they_are_of(task, encode):
    encode()
    first: FeatureSet = read_features(task.out)
    os.utime(task.path)
    encode()
    assert len(first.slide_sha256) == 64
    assert read_features(task.out).slide_sha256 == first.slide_sha256
