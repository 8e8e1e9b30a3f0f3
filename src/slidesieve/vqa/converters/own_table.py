"""A table in SlideSieve's own columns, which says itself which part each question is in."""

from __future__ import annotations

import json

from slidesieve.errors import ConfigError
from slidesieve.vqa.converters.parsed import csv_rows
from slidesieve.vqa.raw import RawQuestion
from slidesieve.vqa.table import COLUMNS, OPTION_COLUMNS, OPTIONS_COLUMN, SPLITS

_MADE_BY_US = ("question_id", "source", "slide_ids", "answer_text")
_NEEDED = tuple(name for name in COLUMNS if name not in (*_MADE_BY_US, "case_id"))


def read_own_table(text: str) -> list[RawQuestion]:
    """Read questions in the columns of `questions.csv`.

    `question_id` may be left out, as may one of `case_id` and `slide_ids`; a question names one
    slide at most. `answer_text` is the answer to open questions.

    Raises:
        ConfigError: It is no such table, or a row is in no part.
    """
    questions, problems = [], []
    for number, row in csv_rows(text, _NEEDED):
        options = tuple(row[name] for name in OPTION_COLUMNS)
        if row.get(OPTIONS_COLUMN):
            options = tuple(map(str, json.loads(row[OPTIONS_COLUMN])))
        if row["split"] not in SPLITS:
            problems.append(f"row {number}: split {row['split']!r} must be {', '.join(SPLITS)}")
        if ";" in row.get("slide_ids", ""):
            problems.append(f"row {number}: names several slides; leave slide_ids to the config")
        is_open = not any(options)
        questions.append(
            RawQuestion(
                row=number,
                original_id=row.get("question_id") or str(number),
                question=row["question"],
                answer=row.get("answer_text", "") if is_open else row["answer"],
                slide=row.get("slide_ids", ""),
                case=row.get("case_id", ""),
                category=row["category"],
                subcategory=row["subcategory"],
                options=options,
                split=row["split"],
            )
        )
    if problems:
        raise ConfigError(problems)
    return questions
