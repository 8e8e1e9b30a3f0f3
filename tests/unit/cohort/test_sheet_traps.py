"""The same slide twice, split patients, pipes: refused or warned of by name."""

from __future__ import annotations

import os

import pytest

from slidesieve.cohort.sheet import read_sheet

CLASSES = ["benign", "tumour"]


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.svs").write_bytes(b"a slide")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.svs").symlink_to("a.svs")
    os.link("a.svs", "hard.svs")

    def of_rows(*rows):
        path = tmp_path / "sheet.csv"
        path.write_text("\n".join(["slide_id,patient_id,label,path", *rows]) + "\n")
        return read_sheet(path, CLASSES)

    return of_rows


NAMES = ["a.svs", "./a.svs", "sub/../a.svs", "link.svs", "hard.svs", "{here}/a.svs"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", ["P2,benign", "P1,tumour"])
def test_one_file_under_two_patients_or_labels_is_refused(read, tmp_path, name, other):
    name = name.format(here=tmp_path)
    sheet = read("s1,P1,benign,a.svs", "s3,P3,benign,c.svs", f"s2,{other},{name}")
    (problem,) = sheet.problems
    assert "the slide a.svs stands in rows 2, 4" in problem
    assert "the same slide twice would leak between folds" in problem


@pytest.mark.parametrize("name", NAMES)
def test_one_file_twice_within_a_patient_is_a_warning(read, tmp_path, name):
    sheet = read("s1,P1,benign,a.svs", f"s2,P1,benign,{name.format(here=tmp_path)}")
    assert sheet.problems == ()
    (warning,) = sheet.warnings
    assert "the slide a.svs stands in rows 2, 3" in warning


def test_a_missing_file_spelled_twice_is_one_file_too(read):
    sheet = read("s1,P1,benign,no.svs", "s2,P2,benign,sub/../no.svs")
    assert "stands in rows 2, 3 (also as sub/../no.svs)" in sheet.problems[0]


def test_two_files_of_one_size_are_two(read, tmp_path):
    (tmp_path / "b.svs").write_bytes(b"b slide")
    assert read("s1,P1,benign,a.svs", "s2,P2,benign,b.svs").problems == ()


def test_a_pipe_is_refused_and_not_waited_for(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.svs")
    (problem,) = read("s1,P1,benign,pipe.svs", "s2,P2,benign,a.svs").problems
    assert "row 2: pipe.svs cannot be used: it is a named pipe, not a file" in problem


def test_a_sheet_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "sheet.csv")
    (problem,) = read_sheet(tmp_path / "sheet.csv", CLASSES).problems
    assert "cannot be read (it is a named pipe, not a file)" in problem


def test_tcga_patients_that_are_split_are_warned_of(read):
    sheet = read(
        "TCGA-05-4244-01Z-00-DX1,TCGA-05-4244-01Z-00-DX1,benign,1.svs",
        "TCGA-05-4244-01Z-00-DX2,TCGA-05-4244-01Z-00-DX2,benign,2.svs",
        "TCGA-05-4245-01Z-00-DX1,TCGA-05-4245-01Z-00-DX1,benign,3.svs",
    )
    assert sheet.problems == ()
    (warning,) = sheet.warnings
    assert "1 TCGA patient(s) have several patient_ids: TCGA-05-4244 (" in warning
    assert "first 12 characters" in warning


def test_tcga_patients_that_are_whole_are_not(read):
    assert not read(
        "TCGA-05-4244-01Z-00-DX1,TCGA-05-4244,benign,1.svs",
        "TCGA-05-4244-01Z-00-DX2,TCGA-05-4244,benign,2.svs",
    ).warnings


def test_cells_that_spreadsheets_take_for_formulas_are_told(read):
    (warning,) = read("s1,=cmd|'/c calc'!A1,benign,1.svs").warnings
    assert "are formulas to a spreadsheet" in warning
