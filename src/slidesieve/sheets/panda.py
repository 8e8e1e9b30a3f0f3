"""The sample sheet of the PANDA challenge from its train.csv.

Columns: image_id, data_provider, isup_grade (0 to 5), gleason_score. The challenge does not say
which biopsies are of one patient, so each counts as its own; the grade is the biopsy's.
"""

from __future__ import annotations

from pathlib import Path

from slidesieve.errors import ConfigError
from slidesieve.sheets.draft import (
    SheetDraft,
    SheetRow,
    drop_missing,
    drop_repeats,
    first_column,
    read_table,
)

GRADES = ("0", "1", "2", "3", "4", "5")


def draft_from_panda(table: Path, task: str, slides_dir: Path | None = None) -> SheetDraft:
    """Draft the sample sheet.

    Args:
        table: train.csv.
        task: "binary" is benign (ISUP 0) or cancer (1 to 5), "isup" the six grades.
        slides_dir: The folder train_images; files that it lacks are left out.

    Raises:
        ConfigError: The table has other columns.
    """
    if task not in ("binary", "isup"):
        raise ConfigError([f"task is {task!r}; allowed: binary, isup"])
    columns = read_table(table, ",")
    rows, left_out = [], []
    for image, provider, grade, gleason in zip(
        *(
            first_column(columns, [name], table, name.replace("_", " "))
            for name in ("image_id", "data_provider", "isup_grade", "gleason_score")
        ),
        strict=True,
    ):
        if grade not in GRADES:
            left_out.append((image, f"isup_grade is {grade!r}"))
            continue
        label = grade if task == "isup" else ("benign" if grade == "0" else "cancer")
        meta = {"provider": provider, "gleason": gleason, "isup": grade}
        rows.append(SheetRow(image, image, label, f"{image}.tiff", meta))
    draft = drop_repeats(
        SheetDraft(tuple(rows), tuple(left_out)), lambda row: row.slide_id, "listed twice"
    )
    return drop_missing(draft, slides_dir) if slides_dir else draft
