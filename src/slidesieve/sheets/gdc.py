"""Sample sheets of TCGA cohorts from the tables of the GDC data portal.

A sample sheet ("File ID", "File Name", …, "Project ID", "Case ID", …) names the project of each
file; a manifest ("id", "filename", "md5", "size", "state") does not. Case and kind of slide are
read from the barcode that begins a file's name, as in TCGA-05-4244-01Z-00-DX1.<uuid>.svs:
project, site, participant, sample type 01 (primary tumour) and vial, portion, slide. DX slides
are diagnostic (formalin-fixed), TS, MS and BS are frozen sections.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from slidesieve.errors import ConfigError
from slidesieve.sheets.draft import (
    SheetDraft,
    SheetRow,
    drop_missing,
    drop_patients_of_several_classes,
    drop_repeats,
    first_column,
    read_table,
)

_BARCODE = re.compile(
    r"(?P<case>TCGA-\w{2}-\w{4})-(?P<sample>\d{2})[A-Z]-\d{2}-(?P<slide>[A-Z]{2}[A-Z0-9]*)\."
)
_PRIMARY_TUMOUR = "01"
_DIAGNOSTIC = "DX"

# Breast cancer is one project of two classes, told apart by the clinical table.
BRCA = "TCGA-BRCA"
BRCA_LABELS = {
    "infiltrating duct carcinoma, nos": "IDC",
    "infiltrating ductal carcinoma": "IDC",
    "lobular carcinoma, nos": "ILC",
    "infiltrating lobular carcinoma": "ILC",
}
# The portal's clinical.tsv, before and after its columns got prefixes, and TCGA's own biotab.
_CASE_COLUMNS = ("case_submitter_id", "cases.submitter_id", "bcr_patient_barcode")
_DIAGNOSIS_COLUMNS = ("primary_diagnosis", "diagnoses.primary_diagnosis", "histological_type")
_PROJECT_COLUMNS = ("project_id", "project.project_id")


def draft_from_gdc(
    tables: Sequence[Path],
    clinical: Path | None = None,
    project: str | None = None,
    slides_dir: Path | None = None,
) -> SheetDraft:
    """Draft the sample sheet of diagnostic slides of primary tumours.

    Args:
        tables: Sample sheets or manifests (tab-separated).
        clinical: Clinical table with a diagnosis per case: needed to tell the classes of BRCA.
        project: Of the files of manifests, which do not name it.
        slides_dir: Folder of the slides, as the GDC client fills it (a folder a file) or flat.
            Files that it lacks are left out. None leaves out none.

    Raises:
        ConfigError: A table is of neither kind, a manifest's project is not known, or one project
            is given for several manifests.
    """
    _refuse_one_project_for_several(tables, project)
    diagnoses = _diagnoses(clinical) if clinical else {}
    projects = _projects(clinical) if clinical else {}
    rows, left_out = [], []
    for table in tables:
        for file_id, name, stated in _files(table, project):
            row = _row(file_id, name, stated, diagnoses, projects, table)
            if isinstance(row, SheetRow):
                rows.append(row)
            else:
                left_out.append((f"{file_id}/{name}", row))
    draft = SheetDraft(tuple(rows), tuple(left_out))
    draft = drop_repeats(draft, lambda row: row.path, "listed twice")
    draft = drop_repeats(draft, lambda row: row.slide_id.partition(".")[0], "slide scanned twice")
    draft = drop_patients_of_several_classes(draft)
    return drop_missing(draft, slides_dir) if slides_dir else draft


def _refuse_one_project_for_several(tables: Sequence[Path], project: str | None) -> None:
    """A manifest per project is the usual download; one project for all would be one label."""
    manifests = [str(table) for table in tables if "filename" in read_table(table, "\t")]
    if project is not None and len(manifests) > 1:
        raise ConfigError(
            [
                f"--project {project} would label the files of {len(manifests)} manifests alike "
                f"({', '.join(manifests)}); make a sheet of each manifest with its own --project, "
                "or give --clinical with the portal's clinical.tsv, or the portal's sample sheets"
            ]
        )


def _files(path: Path, project: str | None) -> list[tuple[str, str, str | None]]:
    """(file id, file name, project or None) of each file a table lists."""
    table = read_table(path, "\t")
    if "filename" in table:
        ids = first_column(table, ["id"], path, "the file's id")
        return [(i, name, project) for i, name in zip(ids, table["filename"], strict=True)]
    if "File Name" not in table:
        raise ConfigError(
            [
                f"{path}: neither a GDC sample sheet (a column 'File Name') nor a manifest "
                f"(a column 'filename'); it has {', '.join(map(repr, table.columns))}"
            ]
        )
    ids = first_column(table, ["File ID"], path, "the file's id")
    projects = first_column(table, ["Project ID"], path, "the project")
    return list(zip(ids, table["File Name"], projects, strict=True))


def _row(
    file_id: str,
    name: str,
    project: str | None,
    diagnoses: Mapping[str, set[str]],
    projects: Mapping[str, str],
    table: Path,
) -> SheetRow | str:
    """A row of the sheet, or why there is none."""
    barcode = _BARCODE.match(name)
    if barcode is None or not name.lower().endswith(".svs"):
        return "no TCGA slide"
    if not barcode["slide"].startswith(_DIAGNOSTIC):
        return "frozen section"
    if barcode["sample"] != _PRIMARY_TUMOUR:
        return "not of the primary tumour"
    case = barcode["case"]
    project = project or projects.get(case)
    if project is None:
        raise ConfigError(
            [
                f"{table}: a manifest does not say which project {case} belongs to; give "
                "--project, or --clinical with the portal's clinical.tsv"
            ]
        )
    label = project.removeprefix("TCGA-")
    if project == BRCA and diagnoses:
        found = diagnoses.get(case, set())
        labels = {BRCA_LABELS.get(diagnosis.lower(), "") for diagnosis in found}
        if len(labels) != 1 or "" in labels:
            return f"diagnosis {' and '.join(sorted(found)) or 'not stated'}"
        (label,) = labels
    return SheetRow(Path(name).stem, case, label, f"{file_id}/{name}", {"project": project})


def _diagnoses(path: Path) -> dict[str, set[str]]:
    table = read_table(path, "\t")
    diagnoses: dict[str, set[str]] = defaultdict(set)
    cases = first_column(table, _CASE_COLUMNS, path, "the case")
    for case, diagnosis in zip(
        cases, first_column(table, _DIAGNOSIS_COLUMNS, path, "the diagnosis"), strict=True
    ):
        if diagnosis and diagnosis != "'--":  # the portal's empty cell
            diagnoses[case].add(diagnosis)
    return diagnoses


def _projects(path: Path) -> dict[str, str]:
    table = read_table(path, "\t")
    if not any(name in table for name in _PROJECT_COLUMNS):
        return {}
    cases = first_column(table, _CASE_COLUMNS, path, "the case")
    return dict(zip(cases, first_column(table, _PROJECT_COLUMNS, path, "the project"), strict=True))


def brca_needs_diagnoses(table: pd.DataFrame) -> bool:
    """Whether a sheet has slides labelled BRCA, for want of a clinical table."""
    return bool((table["label"] == BRCA.removeprefix("TCGA-")).any())
