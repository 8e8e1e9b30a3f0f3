"""Small tables in the formats of the GDC portal and of PANDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SHEET_HEADER = (
    "File ID\tFile Name\tData Category\tData Type\tProject ID\tCase ID\tSample ID\tSample Type"
)
MANIFEST_HEADER = "id\tfilename\tmd5\tsize\tstate"
CLINICAL_HEADER = "case_id\tcase_submitter_id\tproject_id\tage_at_index\tprimary_diagnosis"
NEW_CLINICAL_HEADER = (
    "project.project_id\tcases.case_id\tcases.submitter_id\tdemographic.age_at_index"
    "\tdiagnoses.primary_diagnosis"
)
PANDA_HEADER = "image_id,data_provider,isup_grade,gleason_score"


def slide_name(case: str, slide: str = "DX1", sample: str = "01", uuid: str = "4D78") -> str:
    """Name of a TCGA slide file."""
    return f"{case}-{sample}Z-00-{slide}.{uuid}.svs"


def sheet_line(project: str, case: str, number: int, name: str | None = None) -> str:
    """A line of a GDC sample sheet."""
    kind = "Slide Image\tPrimary Tumor"
    category, sample_type = kind.split("\t")
    name = name or slide_name(case)
    cells = (f"uuid-{number}", name, "Biospecimen", category, project, case, f"{case}-01Z")
    return "\t".join([*cells, sample_type])


def cases(project: str, count: int) -> list[str]:
    """Case barcodes, different in every project."""
    site = {"TCGA-LUAD": "05", "TCGA-LUSC": "18", "TCGA-BRCA": "A2"}.get(project, project[-2:])
    return [f"TCGA-{site}-{4000 + number}" for number in range(count)]


def write_sheet(path: Path, projects: dict[str, int]) -> Path:
    """A GDC sample sheet with one diagnostic slide for each of so many cases a project."""
    lines = [SHEET_HEADER]
    for project, count in projects.items():
        lines += [
            sheet_line(project, case, number)
            for number, case in enumerate(cases(project, count), start=len(lines))
        ]
    return write_lines(path, lines)


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    """A text file of lines."""
    path.write_text("\n".join(lines) + "\n")
    return path
