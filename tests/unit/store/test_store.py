"""Files hold what their contract says, whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from slidesieve.errors import ContractError
from slidesieve.store.atomic import atomic_path
from slidesieve.store.features import (
    FeatureSet,
    is_ours,
    read_feature_header,
    read_features,
    write_features,
)
from slidesieve.store.inspect import describe
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes, read_tiles, write_tiles
from slidesieve.tiling.spec import choose_tile_spec


@pytest.fixture
def tiles():
    spec = choose_tile_spec(0.2525, [1.0, 4.0001], 256, 256, 0.5, objective=40.0)
    coords = np.array([[0, 0], [507, 0], [0, 507]], dtype=np.int64)
    return TileSet(
        slide_id="s1",
        coords=coords,
        spec=spec,
        width=5000,
        height=4000,
        fingerprint="abc",
        mpp_source="slide",
        vendor="aperio",
        reader="openslide",
        level_count=2,
        tissue_area_mm2=1.25,
        n_contours=1,
        objective=40.0,
    )


@pytest.fixture
def features(tiles):
    rng = np.random.default_rng(0)
    return FeatureSet(
        slide_id="s1",
        features=rng.normal(size=(3, 7)).astype(np.float16),
        coords=tiles.coords,
        encoder="colour_texture",
        encoder_revision="1",
        transform="none",
        pooling="none",
        precision="fp32",
        fingerprint="def",
        tile_attributes=coords_attributes(tiles),
    )


def test_tiles_come_back_as_they_went(tmp_path, tiles):
    write_tiles(tmp_path / "s1.h5", tiles)
    back = read_tiles(tmp_path / "s1.h5")
    np.testing.assert_array_equal(back.coords, tiles.coords)
    assert back.coords.dtype == np.int64
    assert back.spec == tiles.spec
    assert (back.width, back.height, back.mpp_source) == (5000, 4000, "slide")


def test_a_failed_slide_is_a_valid_file_with_its_reason(tmp_path):
    write_tiles(tmp_path / "s1.h5", TileSet("s1", status="failed", reason="no mpp"))
    back = read_tiles(tmp_path / "s1.h5")
    assert back.coords.shape == (0, 2)
    assert (back.status, back.reason, back.spec) == ("failed", "no mpp", None)


def test_coords_carry_the_names_other_tools_read(tmp_path, tiles, features):
    write_features(tmp_path / "s1.h5", features)
    with h5py.File(tmp_path / "s1.h5") as file:
        attributes = dict(file["coords"].attrs)
        assert file["coords"].dtype == np.int64
        assert file["features"].attrs["encoder"] == "colour_texture"
        assert file.attrs["status"] == "ok"
    assert attributes["patch_size"] == 256
    assert attributes["patch_size_level0"] == round(256 * 0.5 / 0.2525) == 507
    assert attributes["patch_level"] == 0
    assert attributes["level0_magnification"] == 40
    assert attributes["target_magnification"] == 20
    assert (attributes["level0_width"], attributes["level0_height"]) == (5000, 4000)
    assert attributes["overlap"] == 0
    assert attributes["name"] == "s1"
    for name in ("mpp", "target_mpp", "read_mpp", "downsample"):
        assert name in attributes


def test_features_come_back_as_they_went(tmp_path, features):
    write_features(tmp_path / "s1.h5", features)
    back = read_features(tmp_path / "s1.h5")
    np.testing.assert_array_equal(back.features, features.features)
    assert back.features.dtype == np.float16
    assert back.tile_attributes["patch_size_level0"] == 507
    header = read_feature_header(tmp_path / "s1.h5")
    assert (header.n_tokens, header.width, header.fingerprint) == (3, 7, "def")
    assert is_ours(tmp_path / "s1.h5")


def test_rows_are_stored_many_to_a_chunk(tmp_path, features):
    many = FeatureSet("s1", np.zeros((5000, 512), np.float16), np.zeros((5000, 2), np.int64))
    write_features(tmp_path / "s1.h5", many)
    with h5py.File(tmp_path / "s1.h5") as file:
        rows, width = file["features"].chunks
    assert width == 512
    assert rows >= 256


@pytest.mark.parametrize("leading", [(), (1,)])
def test_trident_and_clam_files_are_read(tmp_path, leading):
    values = np.random.default_rng(0).normal(size=(*leading, 5, 4)).astype(np.float32)
    coords = np.arange(10).reshape(*leading, 5, 2)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["features"] = values
        file["coords"] = coords
        file["coords"].attrs["patch_size_level0"] = 512
    back = read_features(tmp_path / "x.h5")
    np.testing.assert_array_equal(back.features, values.reshape(5, 4))
    np.testing.assert_array_equal(back.coords, coords.reshape(5, 2))
    assert back.slide_id == "x"
    assert not is_ours(tmp_path / "x.h5")


def test_tensor_files_are_read_without_unpickling_code(tmp_path):
    values = torch.randn(6, 3)
    torch.save(values, tmp_path / "plain.pt")
    torch.save({"features": values.bfloat16(), "coords": torch.ones(6, 2)}, tmp_path / "dict.pt")
    np.testing.assert_array_equal(read_features(tmp_path / "plain.pt").features, values.numpy())
    assert read_features(tmp_path / "dict.pt").coords.tolist() == [[1, 1]] * 6
    torch.save(_Malicious(), tmp_path / "bad.pt")
    with pytest.raises(ContractError, match=r"bad\.pt"):
        read_features(tmp_path / "bad.pt")
    assert not _Malicious.ran


class _Malicious:
    ran = False

    def __reduce__(self):
        return (setattr, (_Malicious, "ran", True))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"embeddings": np.zeros((3, 2))}, "no dataset 'features'"),
        ({"features": np.zeros(3)}, "expected"),
        ({"features": np.zeros((3, 2)), "coords": np.zeros((2, 2))}, "3 features but 2 coords"),
    ],
)
def test_files_that_break_the_contract_say_how(tmp_path, content, words):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(ContractError, match=words):
        read_features(tmp_path / "x.h5")


def test_no_hdf5_at_all(tmp_path):
    (tmp_path / "x.h5").write_text("hello")
    with pytest.raises(ContractError, match="cannot be opened as HDF5"):
        read_tiles(tmp_path / "x.h5")


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("before")
    with pytest.raises(UnicodeEncodeError), atomic_path(target) as partial:
        partial.write_text("half \ud800")
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_killed_write_leaves_nothing_at_the_target(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from slidesieve.store.atomic import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as partial:\n"
        "    partial.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "out.h5"
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert not target.exists()


def test_csv_keeps_text_as_text(tmp_path):
    table = pd.DataFrame(
        {"slide_id": ["007", "NA"], "label": ["1", "0"], "mpp": [0.25, np.nan], "n": [1, 2]}
    )
    write_csv(tmp_path / "t.csv", table)
    back = read_csv(tmp_path / "t.csv", required=["slide_id"])
    assert back["slide_id"].tolist() == ["007", "NA"]
    assert back["label"].tolist() == ["1", "0"]
    assert np.isnan(back["mpp"][1])
    assert back["n"].tolist() == [1, 2]
    with pytest.raises(ContractError, match="column patient_id is missing"):
        read_csv(tmp_path / "t.csv", required=["patient_id"])


def test_inspect_counts_what_is_wrong(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["features"] = np.array([[1.0, np.nan], [np.inf, 3.0]])
        file["features"].attrs["encoder"] = "conch"
        file.create_dataset("empty", data=np.zeros((0, 2)))
    text = "\n".join(describe(tmp_path / "x.h5"))
    assert "features: float64 (2, 2)" in text
    assert "min 1  mean 2  max 3  NaN 1  Inf 1" in text
    assert "@encoder = 'conch'" in text
    assert "empty: float64 (0, 2)" in text
