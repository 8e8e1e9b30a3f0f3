"""MultiPathQA: five benchmarks in one table, answers mostly as numbers of options, from 1.

The options are a Python list in a cell. An answer that is a number is always the place of the right
option, also where the options are numbers themselves: of ['2', '3', '4', '5'] the answer 3 means 4.
GTEX answers are texts. PANDA has no options, so its questions are open.
"""

from __future__ import annotations

import ast
import re

from slidesieve.errors import ConfigError
from slidesieve.vqa.converters.parsed import csv_rows
from slidesieve.vqa.raw import RawQuestion

_COLUMNS = ("benchmark_name", "benchmark_id", "image_path", "prompt", "options", "answer")
# How the prompts ask for one of the options, with a place for them.
_ASKS_FOR_OPTION = re.compile(r"\s*Select from the following options:.*", re.DOTALL)


def read_multipathqa(text: str) -> list[RawQuestion]:
    """Read the table.

    Raises:
        ConfigError: It is no such table, or a cell of options cannot be read.
    """
    questions, problems = [], []
    for number, row in csv_rows(text, _COLUMNS):
        try:
            options = _options(row["options"])
        except ValueError as error:
            problems.append(f"row {number}: options {row['options']!r}: {error}")
            continue
        questions.append(
            RawQuestion(
                row=number,
                original_id=f"{row['benchmark_name']}:{row['benchmark_id']}",
                question=_question(row["prompt"]),
                answer=row["answer"],
                slide=row["image_path"],
                category=row["benchmark_name"],
                options=options,
                answer_form="number" if row["answer"].strip().isdecimal() else "text",
            )
        )
    if problems:
        raise ConfigError(problems)
    return questions


def _options(cell: str) -> tuple[str, ...]:
    if not cell.strip():
        return ()
    try:
        options = ast.literal_eval(cell)
    except (ValueError, SyntaxError) as error:
        raise ValueError("is no Python list") from error
    if not isinstance(options, list):
        raise ValueError("is no Python list")
    return tuple(map(str, options))


def _question(prompt: str) -> str:
    """The prompt without its request for an option; it is a template, so braces are doubled."""
    plain = _ASKS_FOR_OPTION.sub("", prompt).strip()
    return plain.replace("{{", "{").replace("}}", "}")
