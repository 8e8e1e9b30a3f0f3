"""The JPEG tile store: one ZIP a slide, members named by their level-0 corner."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.images import write_tile_images
from slidesieve.tiling.spec import choose_tile_spec, read_tile


def four_tiles(path: Path) -> TileSet:
    with open_slide(path) as reader:
        spec = choose_tile_spec(0.499, reader.level_downsamples, 128, 128, 0.5)
    coords = np.array([[400, 300], [800, 1200], [1500, 40], [1000, 2000]], dtype=np.int64)
    return TileSet(path.stem, coords=coords, spec=spec, fingerprint="f")


def test_members_are_the_tiles_in_order_and_uncompressed(cmu, tmp_path):
    tiles = four_tiles(cmu)
    assert write_tile_images(cmu, tiles, tmp_path / "s.zip", quality=95, workers=3) == 4
    with zipfile.ZipFile(tmp_path / "s.zip") as archive, open_slide(cmu) as reader:
        members = archive.infolist()
        assert [member.filename for member in members] == [f"{x}_{y}.jpg" for x, y in tiles.coords]
        assert all(member.compress_type == zipfile.ZIP_STORED for member in members)
        for member, (x, y) in zip(members, tiles.coords, strict=True):
            data = np.frombuffer(archive.read(member), np.uint8)
            image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB).astype(int)
            assert image.shape == (128, 128, 3)
            assert np.abs(image - read_tile(reader, tiles.spec, x, y)).mean() < 4


def test_the_same_tiles_make_the_same_bytes(cmu, tmp_path):
    for name, workers in (("a.zip", 1), ("b.zip", 4)):
        write_tile_images(cmu, four_tiles(cmu), tmp_path / name, workers=workers)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_lower_quality_takes_less_room(cmu, tmp_path):
    for name, quality in (("a.zip", 40), ("b.zip", 95)):
        write_tile_images(cmu, four_tiles(cmu), tmp_path / name, quality=quality)
    assert (tmp_path / "a.zip").stat().st_size < 0.6 * (tmp_path / "b.zip").stat().st_size


def test_tiles_that_cannot_be_decoded_are_left_out_and_counted(shared_data, tmp_path):
    path = shared_data / "slides" / "corrupt_tile_payload.svs"
    tiles = four_tiles(path)
    grid = np.array([(x, y) for y in range(0, 2800, 256) for x in range(0, 2000, 256)])
    written = write_tile_images(path, replace(tiles, coords=grid), tmp_path / "s.zip")
    assert 0 < written < len(grid)
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert len(archive.namelist()) == written
        assert json.loads(archive.comment)["n_dropped"] == len(grid) - written


def test_a_slide_without_tiles_or_out_of_reach_gives_a_valid_zip_with_the_reason(cmu, tmp_path):
    empty = TileSet("s", status="empty", reason="glass")
    assert write_tile_images(tmp_path / "x.svs", empty, tmp_path / "empty.zip") == 0
    assert write_tile_images(tmp_path / "x.svs", four_tiles(cmu), tmp_path / "gone.zip") == 0
    comments = []
    for name in ("empty.zip", "gone.zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            assert archive.namelist() == []
            comments.append(json.loads(archive.comment))
    assert (comments[0]["status"], comments[0]["reason"]) == ("empty", "glass")
    assert comments[1]["status"] == "failed"
    assert "x.svs" in comments[1]["reason"]


def test_nothing_is_left_behind_when_writing_fails(cmu, tmp_path):
    tiles = four_tiles(cmu)
    impossible = replace(tiles, spec=replace(tiles.spec, tile_px=0))
    with pytest.raises(cv2.error):
        write_tile_images(cmu, impossible, tmp_path / "s.zip")
    assert list(tmp_path.iterdir()) == []
