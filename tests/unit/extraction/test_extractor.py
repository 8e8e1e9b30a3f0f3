"""The features stage: each row is its tile encoded plainly, whatever else happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.slide_grid import grid_of
from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.encoders.registry import load_encoder
from slidesieve.errors import ContractError
from slidesieve.extraction.extractor import (
    encoder_identity,
    extract_features,
    features_fingerprint,
    store_as,
)
from slidesieve.slide.open import open_slide
from slidesieve.store.features import read_features, write_features
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.spec import read_tile


class MeanColour:
    """An encoder of the main thread whose answer is easy to know; notes the batches it is given."""

    name, dim, revision, transform, pooling, tile_px = "mean", 3, "1", "none", "mean", None
    source = ""
    runs_in_workers = False

    def __init__(self, precision="fp32", scale=1.0):
        self.precision = precision
        self.scale = scale
        self.batches = []

    def encode(self, tiles):
        self.batches.append(len(tiles))
        return self.scale * tiles.mean(axis=(1, 2), dtype=np.float64).astype(np.float32)


@pytest.fixture(scope="session")
def damaged(shared_data) -> Path:
    return shared_data / "slides" / "corrupt_tile_payload.svs"


def plainly(path: Path, tiles: TileSet, encoder) -> np.ndarray:
    with open_slide(path) as reader:
        return np.concatenate(
            [encoder.encode(read_tile(reader, tiles.spec, x, y)[None]) for x, y in tiles.coords]
        )


@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize("kind", [ColourTexture, MeanColour])
def test_each_row_is_its_tile_encoded_plainly(cmu, kind, workers):
    tiles = grid_of(cmu)
    features = extract_features(cmu, tiles, kind(), workers=workers, batch_size=7)
    assert features.status == "ok"
    assert features.n_dropped == 0
    np.testing.assert_array_equal(features.coords, tiles.coords)
    np.testing.assert_array_equal(features.features, plainly(cmu, tiles, kind()))


def test_the_order_of_the_tiles_is_kept_whatever_it_is(cmu):
    tiles = grid_of(cmu)
    order = np.random.default_rng(0).permutation(len(tiles.coords))
    straight = extract_features(cmu, tiles, MeanColour(), workers=1)
    shuffled = extract_features(
        cmu, replace(tiles, coords=tiles.coords[order]), MeanColour(), workers=8, batch_size=3
    )
    np.testing.assert_array_equal(shuffled.coords, straight.coords[order])
    np.testing.assert_array_equal(shuffled.features, straight.features[order])


@pytest.mark.parametrize("batch_size", [1, 7, 16, 40, 1000])
def test_the_encoder_is_given_whole_batches(cmu, batch_size):
    encoder = MeanColour()
    tiles = grid_of(cmu)
    extract_features(cmu, tiles, encoder, workers=3, batch_size=batch_size)
    whole, rest = divmod(len(tiles.coords), batch_size)
    assert encoder.batches == [batch_size] * whole + [rest] * (rest > 0)


@pytest.fixture(scope="module")
def resnet():
    return load_encoder({"name": "timm:resnet18", "pretrained": False, "device": "cpu"})


@pytest.mark.parametrize(("tile_px", "target_mpp"), [(256, 0.499), (256, 1.0), (128, 0.6)])
def test_a_timm_encoder_is_given_what_its_level_holds(cmu, resnet, tile_px, target_mpp):
    tiles = grid_of(cmu, tile_px, target_mpp)
    tiles = replace(tiles, coords=tiles.coords[:3])
    features = extract_features(cmu, tiles, resnet, batch_size=2)
    spec = tiles.spec
    with open_slide(cmu) as reader:
        read = [
            reader.read_region(x, y, spec.level, spec.read_px, spec.read_px)
            for x, y in tiles.coords.tolist()
        ]
    np.testing.assert_allclose(features.features, resnet.encode(np.stack(read)), atol=1e-4)
    assert features.encoder_revision == resnet.revision
    # The attributes stay those of the tiles that were asked for.
    assert features.tile_attributes["patch_size"] == tile_px
    assert features.tile_attributes["target_mpp"] == target_mpp


def test_where_the_level_has_the_target_scale_tiles_are_given_as_they_always_were(cmu, resnet):
    tiles = grid_of(cmu, 256, 0.499)
    tiles = replace(tiles, coords=tiles.coords[:2])
    assert tiles.spec.read_px == tiles.spec.tile_px
    features = extract_features(cmu, tiles, resnet)
    np.testing.assert_allclose(features.features, plainly(cmu, tiles, resnet), atol=1e-4)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("kind", [ColourTexture, MeanColour])
def test_tiles_that_cannot_be_decoded_are_dropped_and_counted(cmu, damaged, kind, workers):
    tiles = grid_of(damaged)
    features = extract_features(damaged, tiles, kind(), workers=workers)
    kept = {tuple(xy) for xy in features.coords.tolist()}
    assert 0 < features.n_dropped < len(tiles.coords)
    assert len(kept) == len(features.features) == len(tiles.coords) - features.n_dropped
    assert features.status == "ok"
    # What is left is what the undamaged slide gives there.
    whole = extract_features(cmu, tiles, kind())
    rows = [tuple(xy) in kept for xy in whole.coords.tolist()]
    np.testing.assert_array_equal(features.features, whole.features[rows])


def test_a_slide_of_which_no_tile_can_be_decoded_fails_with_the_reason(damaged):
    tiles = grid_of(damaged)
    good = {tuple(xy) for xy in extract_features(damaged, tiles, MeanColour()).coords.tolist()}
    bad = np.array([xy for xy in tiles.coords.tolist() if tuple(xy) not in good])
    features = extract_features(damaged, replace(tiles, coords=bad), MeanColour())
    assert features.status == "failed"
    assert features.reason == f"none of the {len(bad)} tiles could be decoded"
    assert features.n_dropped == len(bad)
    assert features.features.shape == (0, 3)


def test_a_slide_that_cannot_be_opened_fails_with_the_reason(cmu, tmp_path):
    features = extract_features(tmp_path / "gone.svs", grid_of(cmu), ColourTexture())
    assert features.status == "failed"
    assert "gone.svs" in features.reason
    assert features.features.shape == (0, ColourTexture.dim)


@pytest.mark.parametrize("status", ["empty", "failed"])
def test_a_slide_without_tiles_keeps_its_status_and_reason(tmp_path, status):
    tiles = TileSet("s", status=status, reason="because")
    features = extract_features(tmp_path / "never_opened.svs", tiles, ColourTexture("fp16"))
    assert (features.status, features.reason) == (status, "because")
    assert features.features.shape == (0, ColourTexture.dim)
    assert features.features.dtype == np.float16


def test_what_is_extracted_can_be_stored_and_read(cmu, tmp_path):
    features = extract_features(cmu, grid_of(cmu), ColourTexture("fp16"))
    write_features(tmp_path / "s.h5", features)
    stored = read_features(tmp_path / "s.h5")
    np.testing.assert_array_equal(stored.features, features.features)
    assert stored.features.dtype == np.float16
    assert (stored.encoder, stored.encoder_revision) == ("colour_texture", ColourTexture.revision)
    assert stored.fingerprint == features.fingerprint
    assert stored.tile_attributes["patch_size"] == 128


@pytest.mark.parametrize("reader", ["tiled", "openslide"])
def test_the_reader_of_the_tiles_reads_and_is_recorded(cmu, tmp_path, reader):
    features = extract_features(cmu, replace(grid_of(cmu), reader=reader), MeanColour())
    write_features(tmp_path / "s.h5", features)
    assert read_features(tmp_path / "s.h5").reader == reader
    np.testing.assert_array_equal(features.features, plainly(cmu, grid_of(cmu), MeanColour()))


def test_numbers_too_large_for_half_precision_name_slide_and_column(cmu):
    with pytest.raises(ContractError, match=r"CMU-1-Small-Region: feature \d of .*fp32"):
        extract_features(cmu, grid_of(cmu), MeanColour("fp16", scale=1000.0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_refused(value):
    features = np.zeros((4, 3), np.float32)
    features[2, 1] = value
    with pytest.raises(ContractError, match=f"slide s: feature 1 of tile 2 .* is {value}"):
        store_as(features, MeanColour(), "s")


def test_the_fingerprint_follows_slide_tiles_and_encoder(cmu):
    tiles = grid_of(cmu)
    variants = [
        (tiles, MeanColour()),
        (replace(tiles, fingerprint="g"), MeanColour()),
        (replace(tiles, coords=tiles.coords[1:]), MeanColour()),
        (grid_of(cmu, target_mpp=0.9), MeanColour()),
        (tiles, MeanColour("fp16")),
        (tiles, ColourTexture()),
    ]
    prints = [features_fingerprint(tiles, encoder_identity(e)) for tiles, e in variants]
    assert len(set(prints)) == len(variants)
    assert features_fingerprint(grid_of(cmu), encoder_identity(MeanColour())) == prints[0]


def test_an_error_of_the_encoder_is_not_swallowed(cmu):
    class Broken(MeanColour):
        runs_in_workers = True

        def encode(self, tiles):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        extract_features(cmu, grid_of(cmu), Broken(), workers=3)
