"""SlideBench's tables: VQA of TCGA (as published, "plus", PathFLIP's copies), BCNB and CPTAC.

Columns: ID, Slide, Question, A, B, …, Answer (a letter), and as many of the categories as there
are. The CPTAC table also holds a column Output, the answers of some model. Tables of captions have
a column Caption in place of options and answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from slidesieve.vqa.converters.parsed import csv_rows
from slidesieve.vqa.raw import RawQuestion
from slidesieve.vqa.table import CAPTION, LETTERS

_CATEGORY_COLUMNS = ("Broad Category", "Task", "Tumor")


def read_slidebench(text: str) -> list[RawQuestion]:
    """Read a VQA table.

    Raises:
        ConfigError: It is no such table.
    """
    return [
        RawQuestion(
            row=number,
            original_id=row["ID"],
            question=row["Question"],
            answer=row["Answer"],
            slide=row["Slide"],
            category=_category(row),
            subcategory=row.get("Narrow Category", ""),
            options=_options(row),
            model_output=row.get("Output", ""),
        )
        for number, row in csv_rows(text, ("ID", "Slide", "Question", "A", "B", "Answer"))
    ]


def read_slidebench_captions(text: str) -> list[RawQuestion]:
    """Read a table of captions: ID, Slide, Question, Caption.

    Raises:
        ConfigError: It is no such table.
    """
    return [
        RawQuestion(
            row=number,
            original_id=row["ID"],
            question=row["Question"],
            answer=row["Caption"],
            slide=row["Slide"],
            category=CAPTION,
            subcategory=row.get("Tumor", ""),
        )
        for number, row in csv_rows(text, ("ID", "Slide", "Question", "Caption"))
    ]


def _category(row: Mapping[str, str]) -> str:
    return next((row[name] for name in _CATEGORY_COLUMNS if row.get(name)), "")


def _options(row: Mapping[str, str]) -> tuple[str, ...]:
    """Cells of the columns A, B, …, up to the last letter that is a column."""
    return tuple(row[letter] for letter in LETTERS if letter in row)
