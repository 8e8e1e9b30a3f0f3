"""A slide is the whole content of all its files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from slidesieve.store.checksums import arrays_sha256, is_as_recorded, record_sha256, slide_sha256


def change_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("slide", "part"),
    [
        ("a.svs", "a.svs"),
        ("a.mrxs", "a/Data0001.dat"),
        ("a.MRXS", "a/Slidedat.ini"),
        ("a.vms", "a/x.jpg"),
        ("a.dcm", "b.dcm"),
        ("a.zarr", "a.zarr/0/0/0"),
    ],
)
def test_a_byte_of_any_part_makes_another_slide(tmp_path, slide, part):
    for name in (slide, part):
        path = tmp_path / name
        if "/" not in name and name.endswith(".zarr"):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(5_000_000))
    before = slide_sha256(tmp_path / slide)
    assert len(before) == 64
    change_byte(tmp_path / part)
    assert slide_sha256(tmp_path / slide) != before


def test_other_files_beside_a_slide_do_not_count(tmp_path):
    (tmp_path / "a.svs").write_bytes(b"slide")
    before = slide_sha256(tmp_path / "a.svs")
    (tmp_path / "b.svs").write_bytes(b"other")
    assert slide_sha256(tmp_path / "a.svs") == before


@pytest.mark.parametrize("name", ["absent.svs", "pipe.svs", "x" * 300 + ".svs"])
def test_what_cannot_be_read_has_no_content(tmp_path, name):
    os.mkfifo(tmp_path / "pipe.svs")
    assert slide_sha256(tmp_path / name) == ""


def test_arrays_differ_by_name_type_shape_and_value():
    array = np.arange(6.0)
    others = [{"b": array}, {"a": array.astype("f4")}, {"a": array.reshape(2, 3)}, {"a": array + 1}]
    sums = {arrays_sha256(arrays) for arrays in ({"a": array}, *others)}
    assert len(sums) == 5
    rows = array.reshape(2, 3)
    assert arrays_sha256({"a": np.asfortranarray(rows)}) == arrays_sha256({"a": rows})


def test_a_record_tells_whether_a_file_is_what_was_written(tmp_path):
    path = tmp_path / "cost.csv"
    path.write_text("1,2\n")
    assert not is_as_recorded(path)
    record_sha256(path)
    assert is_as_recorded(path)
    path.write_text("1,3\n")
    assert not is_as_recorded(path)
