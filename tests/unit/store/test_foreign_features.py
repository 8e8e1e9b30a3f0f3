"""Other tools' features are read as they are meant, or refused with the file's name."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from slidesieve.errors import ContractError
from slidesieve.store.features import read_features, read_tile_attributes

VALUES = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
COORDS = np.arange(40).reshape(20, 2) * 512


@pytest.fixture
def h5(tmp_path):
    """Writes x.h5 with datasets of these names."""

    def write(**datasets):
        with h5py.File(tmp_path / "x.h5", "w") as file:
            for name, values in datasets.items():
                file[name] = values
        return tmp_path / "x.h5"

    return write


@pytest.fixture
def pt(tmp_path):
    def write(content):
        torch.save(content, tmp_path / "x.pt")
        return tmp_path / "x.pt"

    return write


@pytest.mark.parametrize(
    "content",
    [
        torch.from_numpy(VALUES),
        torch.from_numpy(VALUES).requires_grad_(),
        torch.nn.Parameter(torch.from_numpy(VALUES)),
        torch.from_numpy(VALUES).to_sparse(),
        torch.from_numpy(VALUES).to_sparse_csr(),
        torch.from_numpy(VALUES)[None],
        torch.from_numpy(np.asfortranarray(VALUES)),
        {"features": torch.from_numpy(VALUES).requires_grad_()},
        {"feats": torch.from_numpy(VALUES)},
        {"anything": torch.from_numpy(VALUES), "slide": "x"},
        {"bag": torch.from_numpy(VALUES), "coords": torch.from_numpy(COORDS)},
    ],
)
def test_tensors_of_all_kinds_are_read(pt, content):
    np.testing.assert_array_equal(read_features(pt(content)).features, VALUES)


def test_a_tensor_that_knows_its_gradient_is_read(shared_data):
    found = read_features(shared_data / "field_cases/features/pt_grad/s0.pt")
    assert found.features.shape == (20, 8)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (VALUES, "holds more than tensors"),
        ({"features": VALUES}, "holds more than tensors"),
        ([torch.from_numpy(VALUES)], "holds a list, not a tensor"),
        ("text", "holds a str"),
        ({"a": torch.zeros(2, 3), "b": torch.zeros(2, 3)}, "no key 'features' (keys: a, b)"),
        ({}, "keys: none"),
        ({"features": None}, "holds a NoneType"),
        ({"features": torch.zeros(2, 3), "coords": [1, 2]}, "coords are a list"),
        (torch.zeros(5), "shape (5,), expected (N, D)"),
        (torch.zeros(2, 3, 4), "shape (2, 3, 4)"),
        (torch.zeros(5, 0), "shape (5, 0)"),
        (torch.zeros(5, 3, dtype=torch.int64), "features are int64"),
        (torch.zeros(5, 3, dtype=torch.bool), "features are bool"),
        (torch.zeros(5, 3, dtype=torch.complex64), "features are complex64"),
    ],
)
def test_tensor_files_that_hold_something_else_are_named(pt, content, words):
    with pytest.raises(ContractError) as error:
        read_features(pt(content))
    assert "x.pt: " in str(error.value)
    assert words in str(error.value)


def test_a_cut_tensor_file_is_named(pt):
    path = pt(torch.from_numpy(VALUES))
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ContractError, match=r"x\.pt: cannot be read as a tensor file"):
        read_features(path)


@pytest.mark.parametrize(
    ("datasets", "words"),
    [
        ({"features": VALUES.astype(np.complex64)}, "features are complex64"),
        ({"features": VALUES.astype(np.int32)}, "features are int32"),
        ({"features": VALUES > 0}, "features are bool"),
        ({"features": np.array([["a", "b"]], dtype="S3")}, "features are |S3"),
        ({"features": VALUES[:, :0]}, "features have shape (20, 0)"),
        ({"features": VALUES[0]}, "features has shape (8,)"),
        ({"features": np.float32(3)}, "features has shape ()"),
        ({"features": VALUES, "coords": np.zeros((20, 3))}, "coords have shape (20, 3)"),
        ({"features": VALUES, "coords": np.full((20, 2), np.nan)}, "coords hold NaN"),
        ({"features": VALUES, "coords": np.full((20, 2), np.inf)}, "coords hold NaN, Inf"),
        ({"features": VALUES, "coords": np.zeros((20, 2), complex)}, "coords are complex128"),
        ({"features": VALUES, "coords": np.zeros((19, 2))}, "20 features but 19 coords"),
        ({"features": VALUES, "coords": np.zeros(20)}, "coords has shape (20,)"),
    ],
)
def test_arrays_that_are_no_features_are_named(h5, datasets, words):
    with pytest.raises(ContractError) as error:
        read_features(h5(**datasets))
    assert "x.h5: " in str(error.value)
    assert words in str(error.value)


def test_datasets_that_reach_into_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["features"] = VALUES
    raw = tmp_path / "secret.raw"
    raw.write_bytes(VALUES.tobytes())
    layout = h5py.VirtualLayout(VALUES.shape, VALUES.dtype)
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "features", VALUES.shape)
    makers = {
        "external link": lambda f: f.__setitem__(
            "features", h5py.ExternalLink("secret.h5", "features")
        ),
        "soft link": lambda f: f.__setitem__("features", h5py.SoftLink("/elsewhere")),
        "virtual": lambda f: f.create_virtual_dataset("features", layout),
        "external": lambda f: f.create_dataset(
            "features", VALUES.shape, "f4", external=[(str(raw), 0, VALUES.nbytes)]
        ),
        "group": lambda f: f.create_group("features"),
    }
    for make in makers.values():
        path = tmp_path / "x.h5"
        with h5py.File(path, "w") as file:
            file["elsewhere"] = VALUES
            make(file)
        with pytest.raises(ContractError, match=r"x\.h5: 'features' (is a|takes its)"):
            read_features(path)


@pytest.mark.parametrize("chunks", [None, (5, 8)])
def test_values_that_were_never_written_are_not_taken_for_zeros(tmp_path, chunks):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        dataset = file.create_dataset("features", (20, 8), "f4", chunks=chunks)
        if chunks:
            dataset[:10] = VALUES[:10]
    with pytest.raises(ContractError, match="was not written to its end"):
        read_features(tmp_path / "x.h5")


def test_compressed_features_are_read(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("features", data=VALUES, compression="gzip", chunks=(7, 8))
    np.testing.assert_array_equal(read_features(tmp_path / "x.h5").features, VALUES)


@pytest.mark.parametrize(
    "name", ["coords_3cols", "nan_coords", "complex", "virtual_missing_source", "zero_width"]
)
def test_the_shared_hostile_files_are_refused_by_name(shared_data, name):
    with pytest.raises(ContractError, match=rf"{name}\.h5: "):
        read_features(shared_data / f"field_cases/hostile/{name}.h5")


def test_stamps_features_are_read_with_places_in_px_of_its_tiles(shared_data):
    path = shared_data / "field_cases/features/stamp/s0.h5"
    found = read_features(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(found.features, file["feats"][()])
        microns = file["coords"][()]
    # Tiles of 256 µm are 224 px wide.
    np.testing.assert_array_equal(found.coords, microns * 224 / 256)
    assert found.tile_attributes["patch_size_level0"] == 224
    assert read_tile_attributes(path) == found.tile_attributes


def test_stamps_extractor_is_the_encoder(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["feats"], file["coords"] = VALUES, COORDS.astype(float)
        file.attrs.update({"unit": "um", "tile_size_um": 256.0, "extractor": "ctranspath-abc"})
    found = read_features(tmp_path / "x.h5")
    assert found.encoder == "ctranspath-abc"
    # Without a size in px, a px is taken for a µm.
    np.testing.assert_array_equal(found.coords, COORDS)


@pytest.fixture
def feature_csv(tmp_path):
    """Writes x.csv with columns of features under numbers, and more columns after them."""

    def write(**more):
        table = pd.DataFrame(VALUES, columns=[str(i) for i in range(VALUES.shape[1])])
        table.assign(**more).to_csv(tmp_path / "x.csv", index=False)
        return tmp_path / "x.csv"

    return write


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"patch": [f"{i}.png" for i in range(20)]},
        {"label": 1, "position": [f"{i}_0" for i in range(20)]},
    ],
)
def test_the_leading_columns_of_a_csv_are_its_features(feature_csv, more):
    found = read_features(feature_csv(**more))
    np.testing.assert_allclose(found.features, VALUES, rtol=1e-6)
    assert (found.slide_id, found.coords.any()) == ("x", False)


def test_places_of_a_csv_are_read_and_are_no_features(feature_csv):
    found = read_features(feature_csv(x=COORDS[:, 0], y=COORDS[:, 1]))
    assert found.features.shape == VALUES.shape
    np.testing.assert_array_equal(found.coords, COORDS)
    assert read_tile_attributes(feature_csv()) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0.25,1.5\n0.5,2.5\n", "first line holds values"),
        ("patch,0,1\na.png,1,2\n", "its first column, 'patch', holds no features"),
        ("", "cannot be read as a table"),
        ("0,1\n1,2,3\n1,2,3,4,5\n", "cannot be read as a table"),
    ],
)
def test_a_csv_of_another_kind_is_refused_with_its_name(tmp_path, text, problem):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ContractError, match=rf"x\.csv: .*{problem}"):
        read_features(tmp_path / "x.csv")
