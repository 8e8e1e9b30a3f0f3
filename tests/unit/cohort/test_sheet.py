"""Every mistake of a sample sheet is found at once and named by its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from slidesieve.cohort.sheet import read_sheet

CLASSES = ["benign", "tumour"]


@pytest.fixture
def read(tmp_path):
    def from_text(text, **options):
        path = tmp_path / "sheet.csv"
        path.write_text(text, encoding="utf-8")
        return read_sheet(path, CLASSES, **options)

    return from_text


def test_a_sound_sheet_becomes_records(read):
    sheet = read(
        "slide_id,patient_id,label,path,mpp,tissue.closing_um,tissue.exclude_pen,meta.age\n"
        "007,P1,benign,a.svs,,,,61\n"
        "s2,P2,tumour,b.svs,0.25,80,false,\n"
    )
    assert sheet.problems == ()
    first, second = sheet.slides
    assert (first.slide_id, first.mpp, first.tissue) == ("007", None, {})
    assert second.mpp == 0.25
    assert second.tissue == {"closing_um": 80, "exclude_pen": False}
    assert second.path == Path("b.svs")


def test_relative_paths_start_from_the_slides_folder(read):
    sheet = read(
        "slide_id,patient_id,label,path\na,P1,benign,x/a.svs\nb,P2,benign,/data/b.svs\n",
        slides_dir=Path("/slides"),
    )
    assert [slide.path for slide in sheet.slides] == [Path("/slides/x/a.svs"), Path("/data/b.svs")]


def test_all_mistakes_are_reported_with_their_rows(read):
    sheet = read(
        "slide_id,patient_id,label,path,mpp\n"
        "a b,P1,benign,a.svs,\n"
        "s3,,benign,c.svs,\n"
        "s4,P4,malignant,d.svs,\n"
        "s5,P5,benign,e.svs,half\n"
        "s6,P6,benign,f.svs,250\n"
        "s7,P7,benign,,\n"
        "s8,P8,benign,g.svs,\n"
        "s8,P9,benign,g.svs,\n"
        "s9,P8,benign,h.svs,\n"
        "s10,P10,benign,i.svs,,surplus\n"
    )
    text = "\n".join(sheet.problems)
    for row, words in {
        2: "slide_id",
        3: "patient_id is missing",
        4: "label 'malignant' is not among the classes; allowed: benign, tumour",
        5: "mpp",
        6: "mpp",
        7: "path is missing",
        11: "more cells than the header",
    }.items():
        assert any(f"row {row}" in line and words in line for line in sheet.problems), (row, text)
    assert "slide_id 's8' stands in rows 8, 9" in text
    assert "the slide g.svs stands in rows 8, 9" in text


def test_a_label_that_is_nearly_a_class_names_it_and_its_rows(read):
    rows = "".join(f"s{i},P{i},{'Tumor' if i > 2 else 'benign'},{i}.svs\n" for i in range(7))
    (problem,) = read("slide_id,patient_id,label,path\n" + rows).problems
    assert problem.endswith(
        ", rows 5 to 8: label 'Tumor' is not among the classes; "
        "did you mean 'tumour'? allowed: benign, tumour"
    )


def test_blank_labels_are_named_by_row_with_what_to_write(read):
    sheet = read("slide_id,patient_id,label,path\na,P1,,a.svs\nb,P2,benign,b.svs\nc,P3,,c.svs\n")
    (problem,) = sheet.problems
    assert problem.endswith(
        ", rows 2, 4: label is missing; write one of the classes: benign, tumour"
    )
    assert sheet.n_unread == 2


def test_an_unknown_column_names_its_neighbour(read):
    sheet = read("slide_id,patient_id,label,path,mmp\na,P1,benign,a.svs,0.5\n")
    assert len(sheet.problems) == 1
    assert "unknown column 'mmp'" in sheet.problems[0]
    assert "did you mean 'mpp'" in sheet.problems[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "column 'slide_id' is missing"),
        ("slide_id,patient_id,label,path\n", "has no rows"),
        ("slide_id,slide_id,patient_id,label,path\na,a,P,benign,x\n", "appears 2 times"),
    ],
)
def test_sheets_without_substance_are_refused(read, text, words):
    assert any(words in problem for problem in read(text).problems)


def test_a_missing_or_binary_file_is_named(tmp_path):
    missing = read_sheet(tmp_path / "none.csv", CLASSES)
    assert "none.csv: cannot be read (No such file" in missing.problems[0]
    binary = tmp_path / "sheet.csv"
    binary.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    assert "UTF-8" in read_sheet(binary, CLASSES).problems[0]


def test_excel_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("slide_id,patient_id,label\na,P1,benign\n", encoding="utf-8-sig")
    assert read_sheet(path, CLASSES, needs_path=False).problems == ()


def test_a_patient_with_slides_of_two_classes_is_allowed_and_told(read):
    sheet = read(
        "slide_id,patient_id,label,path\na,P1,benign,a.svs\nb,P1,tumour,b.svs\nc,P2,benign,c.svs\n"
    )
    assert sheet.problems == ()
    (warning,) = sheet.warnings
    assert "1 patient(s) have slides of several classes: 'P1' (benign, tumour)" in warning
    assert "no metrics per patient" in warning
