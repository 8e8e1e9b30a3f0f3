"""The tokens file holds what its contract says."""

from __future__ import annotations

from dataclasses import fields, replace

import h5py
import numpy as np
import pytest

from helpers.token_factory import SPECS, tokens_of
from slidesieve.errors import ContractError
from slidesieve.store.inspect import describe
from slidesieve.store.tokens import read_tokens, write_tokens


@pytest.fixture
def tokens():
    return tokens_of(SPECS["dtc"], 40)


@pytest.mark.parametrize("name", ["dtc", "sparselearn", "random", "kmeans"])
def test_tokens_come_back_as_they_were_written(tmp_path, name):
    tokens = tokens_of(SPECS[name], 40)
    path = tmp_path / "s1.h5"
    write_tokens(path, tokens)
    found = read_tokens(path)
    for field in fields(tokens):
        value, again = getattr(tokens, field.name), getattr(found, field.name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(again, value)
            assert again.dtype == value.dtype
        else:
            assert again == value


def test_whoever_opens_the_file_finds_rows_of_tiles_and_columns_of_stages(tmp_path, tokens):
    path = tmp_path / "s1.h5"
    write_tokens(path, tokens)
    with h5py.File(path) as file:
        for name in ("source", "group", "importance", "kept", "merged", "pruned"):
            assert file[name].shape == (40, 3), name
        assert file["coords"].attrs["patch_size_level0"] == 64
        np.testing.assert_array_equal(file["kept"][:, 2], file["source"][:, 2] >= 0)
        dropped = file["pruned"][()].any(axis=1)
        np.testing.assert_array_equal(dropped, file["source"][:, 2] < 0)
        assert file.attrs["model"] == "my_model"
        assert file.attrs["fold"] == 1


def test_inspect_shows_it(tmp_path, tokens):
    path = tmp_path / "s1.h5"
    write_tokens(path, tokens)
    lines = "\n".join(describe(path))
    for words in ("source: int64 (40, 3)", "pruned: bool (40, 3)", "@fold = 1", "token_size"):
        assert words in lines


def test_an_empty_slide_is_a_valid_file(tmp_path, tokens):
    nothing = {
        field.name: getattr(tokens, field.name)[:0]
        for field in fields(tokens)
        if isinstance(getattr(tokens, field.name), np.ndarray)
    }
    path = tmp_path / "s1.h5"
    write_tokens(path, replace(tokens, **nothing, status="empty", reason="no tissue"))
    assert read_tokens(path).reason == "no tissue"


def test_tables_that_do_not_fit_are_refused(tmp_path, tokens):
    path = tmp_path / "s1.h5"
    write_tokens(path, replace(tokens, importance=tokens.importance[1:]))
    with pytest.raises(ContractError, match=r"importance is \(39, 3\), expected \(40, 3\)"):
        read_tokens(path)


def test_flags_that_contradict_the_source_are_refused(tmp_path, tokens):
    path = tmp_path / "s1.h5"
    write_tokens(path, tokens)
    with h5py.File(path, "r+") as file:
        file["merged"][0, 0] = not file["merged"][0, 0]
    with pytest.raises(ContractError, match="merged is not what source and group say"):
        read_tokens(path)


def test_another_file_is_no_tokens_file(tmp_path):
    path = tmp_path / "s1.h5"
    with h5py.File(path, "w") as file:
        file["coords"] = np.zeros((2, 2))
    with pytest.raises(ContractError, match=r"not a tokens file \(no source"):
        read_tokens(path)
