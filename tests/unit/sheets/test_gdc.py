"""Sample sheets of TCGA from the portal's tables."""

from __future__ import annotations

import pytest

from helpers.archive_tables import (
    CLINICAL_HEADER,
    MANIFEST_HEADER,
    NEW_CLINICAL_HEADER,
    SHEET_HEADER,
    sheet_line,
    slide_name,
    write_lines,
    write_sheet,
)
from slidesieve.cli.main import main
from slidesieve.errors import ConfigError
from slidesieve.sheets.gdc import draft_from_gdc
from slidesieve.store.tables import read_csv

BRCA = "TCGA-BRCA"


def rows(draft) -> dict[str, tuple[str, str]]:
    return {row.slide_id: (row.patient_id, row.label) for row in draft.rows}


def test_patient_comes_from_the_barcode_and_label_from_the_project(tmp_path):
    table = write_sheet(tmp_path / "s.tsv", {"TCGA-LUAD": 1, "TCGA-LUSC": 1})
    draft = draft_from_gdc([table])
    assert rows(draft) == {
        "TCGA-05-4000-01Z-00-DX1.4D78": ("TCGA-05-4000", "LUAD"),
        "TCGA-18-4000-01Z-00-DX1.4D78": ("TCGA-18-4000", "LUSC"),
    }
    assert draft.rows[0].path == "uuid-1/TCGA-05-4000-01Z-00-DX1.4D78.svs"
    assert not draft.left_out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (slide_name("TCGA-05-4244", slide="TS1"), "frozen section"),
        (slide_name("TCGA-05-4244", slide="BSA"), "frozen section"),
        (slide_name("TCGA-05-4244", sample="11"), "not of the primary tumour"),
        (slide_name("TCGA-05-4244", sample="06"), "not of the primary tumour"),
        ("2a3814fb-e9b1.FPKM.txt.gz", "no TCGA slide"),
        (slide_name("TCGA-05-4244").replace(".svs", ".txt"), "no TCGA slide"),
    ],
)
def test_other_files_of_the_cart_are_left_out_with_a_reason(tmp_path, name, why):
    line = sheet_line("TCGA-LUAD", "TCGA-05-4244", 1, name)
    draft = draft_from_gdc([write_lines(tmp_path / "s.tsv", [SHEET_HEADER, line])])
    assert not draft.rows
    assert draft.left_out == ((f"uuid-1/{name}", why),)


def test_repeats_are_left_out_and_listed(tmp_path):
    case = "TCGA-05-4244"
    lines = [
        sheet_line("TCGA-LUAD", case, 1),
        sheet_line("TCGA-LUAD", case, 1),
        sheet_line("TCGA-LUAD", case, 2, slide_name(case, uuid="OTHER")),
        sheet_line("TCGA-LUAD", case, 3, slide_name(case, slide="DX2")),
    ]
    draft = draft_from_gdc([write_lines(tmp_path / "s.tsv", [SHEET_HEADER, *lines])])
    assert [row.slide_id for row in draft.rows] == [
        "TCGA-05-4244-01Z-00-DX1.4D78",
        "TCGA-05-4244-01Z-00-DX2.4D78",
    ]
    assert sorted(why for _, why in draft.left_out) == ["listed twice", "slide scanned twice"]


def test_a_patient_of_two_projects_is_left_out(tmp_path):
    lines = [
        sheet_line("TCGA-LUAD", "TCGA-05-4244", 1),
        sheet_line("TCGA-LUSC", "TCGA-05-4244", 2, slide_name("TCGA-05-4244", slide="DX2")),
        sheet_line("TCGA-LUSC", "TCGA-18-3406", 3),
    ]
    draft = draft_from_gdc([write_lines(tmp_path / "s.tsv", [SHEET_HEADER, *lines])])
    assert [row.patient_id for row in draft.rows] == ["TCGA-18-3406"]
    assert {why for _, why in draft.left_out} == {"patient in LUAD and LUSC"}


def test_a_manifest_needs_to_be_told_the_project(tmp_path):
    lines = [MANIFEST_HEADER, f"uuid-1\t{slide_name('TCGA-05-4244')}\t5052\t1172\treleased"]
    table = write_lines(tmp_path / "gdc_manifest.txt", lines)
    with pytest.raises(ConfigError, match=r"which project TCGA-05-4244 .* --project"):
        draft_from_gdc([table])
    assert draft_from_gdc([table], project="TCGA-LUAD").rows[0].label == "LUAD"
    clinical = write_lines(
        tmp_path / "clinical.tsv",
        [CLINICAL_HEADER, "c1\tTCGA-05-4244\tTCGA-LUSC\t61\tSquamous cell carcinoma, NOS"],
    )
    assert draft_from_gdc([table], clinical).rows[0].label == "LUSC"


@pytest.mark.parametrize("new", [False, True])
def test_breast_cancer_is_told_apart_by_the_clinical_table(tmp_path, new):
    found = {
        "TCGA-A2-0001": ["Infiltrating duct carcinoma, NOS"],
        "TCGA-A2-0002": ["Lobular carcinoma, NOS", "'--"],
        "TCGA-A2-0003": ["Infiltrating duct and lobular carcinoma"],
        "TCGA-A2-0004": ["Infiltrating duct carcinoma, NOS", "Lobular carcinoma, NOS"],
    }
    lines = []
    for case, diagnoses in found.items():
        for diagnosis in diagnoses:  # one line a treatment, as the portal writes it
            cells = [BRCA, "c", case, "50"] if new else ["c", case, BRCA, "50"]
            lines += ["\t".join([*cells, diagnosis])] * 2
    header = NEW_CLINICAL_HEADER if new else CLINICAL_HEADER
    clinical = write_lines(tmp_path / "clinical.tsv", [header, *lines])
    cases = [*found, "TCGA-A2-0005"]
    sheet = [SHEET_HEADER, *(sheet_line(BRCA, case, n) for n, case in enumerate(cases))]
    draft = draft_from_gdc([write_lines(tmp_path / "s.tsv", sheet)], clinical)
    assert {row.patient_id: row.label for row in draft.rows} == {
        "TCGA-A2-0001": "IDC",
        "TCGA-A2-0002": "ILC",
    }
    assert sorted(why for _, why in draft.left_out) == [
        "diagnosis Infiltrating duct and lobular carcinoma",
        "diagnosis Infiltrating duct carcinoma, NOS and Lobular carcinoma, NOS",
        "diagnosis not stated",
    ]


def test_the_command_writes_the_sheet_and_lists_missing_files(tmp_path, capsys):
    table = write_sheet(tmp_path / "s.tsv", {"TCGA-LUAD": 3})
    slides = tmp_path / "slides"
    nested, flat, missing = (f"uuid-{n}/{slide_name(f'TCGA-05-{3999 + n}')}" for n in (1, 2, 3))
    (slides / "uuid-1").mkdir(parents=True)
    (slides / nested).touch()
    (slides / flat.split("/")[1]).touch()
    output = tmp_path / "out/luad.csv"
    assert main(["sheet", "gdc", str(table), "--slides", str(slides), "--output", str(output)]) == 0
    sheet = read_csv(output)
    assert list(sheet["path"]) == [nested, flat.split("/")[1]]
    assert list(sheet.columns) == ["slide_id", "patient_id", "label", "path", "meta.project"]
    left_out = read_csv(output.with_suffix(".left_out.csv"))
    assert left_out.to_dict("records") == [{"slide": missing, "reason": "file missing"}]
    said = capsys.readouterr().out
    assert "LUAD: 2 slides of 2 patients" in said
    assert "left out, file missing: 1" in said


def test_a_table_of_another_kind_is_refused_with_its_columns(tmp_path):
    table = write_lines(tmp_path / "x.tsv", ["a\tb", "1\t2"])
    with pytest.raises(ConfigError, match=r"neither a GDC sample sheet .* it has 'a', 'b'"):
        draft_from_gdc([table])
    with pytest.raises(ConfigError, match="cannot be read as a table"):
        draft_from_gdc([tmp_path / "absent.tsv"])


def test_breast_cancer_without_a_clinical_table_is_said(tmp_path, capsys):
    table = write_sheet(tmp_path / "s.tsv", {BRCA: 1})
    assert main(["sheet", "gdc", str(table), "--output", str(tmp_path / "b.csv")]) == 0
    assert "give --clinical to tell IDC from ILC" in capsys.readouterr().out


def test_two_manifests_under_one_project_are_refused(tmp_path):
    tables = []
    for project in ("TCGA-LUAD", "TCGA-LUSC"):
        case = {"TCGA-LUAD": "TCGA-05-4244", "TCGA-LUSC": "TCGA-18-3406"}[project]
        line = f"uuid\t{slide_name(case)}\tmd5\t1\tvalidated"
        tables.append(write_lines(tmp_path / f"{project}.txt", [MANIFEST_HEADER, line]))
    with pytest.raises(ConfigError, match="label the files of 2 manifests alike") as error:
        draft_from_gdc(tables, project="TCGA-LUAD")
    assert "TCGA-LUSC.txt" in str(error.value)
