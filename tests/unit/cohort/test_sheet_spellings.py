"""Sheets as spreadsheets, R, pandas and people write them are read as they are meant."""

from __future__ import annotations

import pytest

from slidesieve.cohort.sheet import read_sheet

CLASSES = ["benign", "tumour"]
PLAIN = "slide_id,patient_id,label,path\na,P1,benign,a.svs\nb,P2,tumour,b.svs\n"


@pytest.fixture
def read(tmp_path):
    def from_text(text, encoding="utf-8", **options):
        path = tmp_path / "sheet.csv"
        path.write_bytes(text.encode(encoding))
        return read_sheet(path, CLASSES, **options)

    return from_text


def rows(*lines):
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "sep=,\r\n" + PLAIN.replace("\n", "\r\n"),
        "\n\n" + PLAIN,
        "# made by hand\n" + PLAIN,
        PLAIN.replace("\na,", "\n# the first slide, of the old scanner\na,"),
        PLAIN + "\n\n,,,\n , , ,\n",
        PLAIN.replace("\n", ",\n"),
        PLAIN.replace("\n", ",,,\n"),
        PLAIN.replace("svs\n", "svs,\n"),
        rows(",slide_id,patient_id,label,path", "0,a,P1,benign,a.svs", "1,b,P2,tumour,b.svs"),
        rows('"","slide_id","patient_id","label","path"', '"1","a","P1","benign","a.svs"')
        + '"2","b","P2","tumour","b.svs"\n',
        rows("Unnamed: 0,slide_id,patient_id,label,path", "0,a,P1,benign,a.svs")
        + "1,b,P2,tumour,b.svs\n",
        PLAIN.replace("slide_id", "\u200bslide_id").replace("P1", " P1\u00a0"),
    ],
)
def test_the_plain_sheet_in_other_clothes(read, text):
    sheet = read(text)
    assert sheet.problems == ()
    assert [(s.slide_id, s.patient_id, s.label, str(s.path)) for s in sheet.slides] == [
        ("a", "P1", "benign", "a.svs"),
        ("b", "P2", "tumour", "b.svs"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_say_the_encoding(read, encoding):
    sheet = read(PLAIN.replace("P1", "Pé"), encoding=encoding)
    assert [slide.patient_id for slide in sheet.slides] == ["Pé", "P2"]


@pytest.mark.parametrize(
    ("cell", "mpp"),
    [
        ("0.25", 0.25),
        ('"0,25"', 0.25),
        ("0.25 µm", 0.25),
        ("0.25 μm", 0.25),
        ("0.25um/px", 0.25),
        ("0.25 microns per pixel", 0.25),
        ("250 nm", 0.25),
        ("0.5 mpp", 0.5),
        ("2.5e-1", 0.25),
        *((nothing, None) for nothing in ("", "NaN", "nan", "NA", "N/A", "null", "None", "-")),
    ],
)
def test_mpp_in_any_spelling(read, cell, mpp):
    sheet = read(f"slide_id,patient_id,label,path,mpp\na,P1,benign,a.svs,{cell}\n")
    assert sheet.problems == ()
    assert sheet.slides[0].mpp == mpp


def test_a_decimal_comma_in_a_sheet_of_semicolons(read):
    sheet = read("slide_id;patient_id;label;path;mpp\na;P1;benign;a.svs;0,2525\n")
    assert sheet.slides[0].mpp == 0.2525


@pytest.mark.parametrize("cell", ["0_5", "inf", "half", "0.25 mm", "0.2.5", "-0.25", "20x", "0"])
def test_an_mpp_that_is_none_is_told_as_it_stands(read, cell):
    sheet = read(f"slide_id,patient_id,label,path,mpp\na,P1,benign,a.svs,{cell}\n")
    (problem,) = sheet.problems
    assert "row 2: mpp: " in problem
    assert "must be µm per px, a number from 0.05 to 20" in problem


def test_a_decimal_comma_among_commas_is_told_with_the_remedy(read):
    sheet = read("slide_id,patient_id,label,path,mpp\na,P1,benign,a.svs,0,25\n")
    assert any("put quotes around a cell with a comma in it" in p for p in sheet.problems)


def test_underscores_and_nan_are_no_numbers_of_tissue(read):
    head = "slide_id,patient_id,label,path,tissue.closing_um\n"
    assert read(head + "a,P1,benign,a.svs,0_5\n").slides[0].tissue == {"closing_um": "0_5"}
    assert read(head + "a,P1,benign,a.svs,NaN\n").slides[0].tissue == {}


def test_rows_are_counted_as_a_spreadsheet_counts_them(read):
    sheet = read("\n# a comment\nslide_id,patient_id,label,path\n\na,,benign,a.svs\n")
    (problem,) = sheet.problems
    assert problem.endswith(", row 5: patient_id is missing")


def test_what_a_row_lacks_is_told_once(read):
    sheet = read("slide_id,patient_id,label,path\na1,,,x.tif\n,,,\n,P1,benign,y.tif\n")
    assert [problem.split(", ", 1)[1].split(";")[0] for problem in sheet.problems] == [
        "row 4: slide_id is missing",
        "row 2: patient_id is missing",
        "row 2: label is missing",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slide_id;patient_id;label\na;P1;benign\n", "with a semicolon between cells, has: slide"),
        ("slide_id:patient_id:label:path\na:P1:benign:x\n", "with a comma between cells, has: sl"),
        ("slide_id;patient_id;label;path\na,P1,benign,a.svs\n", "separated by a semicolon, so"),
        (",slide_id,patient_id,label,path\nx,a,P1,benign,a.svs\n", "column 1 has no name, but"),
    ],
)
def test_a_separator_that_does_not_fit_is_named(read, text, words):
    assert any(words in problem for problem in read(text).problems)


def test_a_workbook_is_told_to_be_one(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"PK\x03\x04\x14\x00\x06\x00")
    (problem,) = read_sheet(path, CLASSES).problems
    assert "is a workbook of Excel or the like; export it as CSV UTF-8" in problem


def test_a_slide_id_too_long_for_files_is_refused(read):
    assert read(PLAIN.replace("\na,", f"\n{'a' * 200},")).problems == ()
    (problem,) = read(PLAIN.replace("\na,", f"\n{'a' * 201},")).problems
    assert "at most 200 letters" in problem


@pytest.mark.parametrize(
    "name", ["blank_rows", "index_col", "mpp_nan", "semicolon", "trailing_comma1"]
)
def test_the_shared_sheets_are_read(shared_data, name):
    sheet = read_sheet(shared_data / f"field_cases/sheets/{name}.csv", ["A", "B"])
    assert sheet.problems == ()
    assert [slide.slide_id for slide in sheet.slides] == ["a1", "a2", "b1", "b2"]
    assert {slide.mpp for slide in sheet.slides} == {None}
