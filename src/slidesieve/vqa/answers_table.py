"""answers.csv: one row per question, path and method of one model.

Columns: question_id, case_id, slide_ids, path, method, prediction, correct, p_a, p_b, …, output,
tokens_in, tokens_kept. `prediction` is the letter of an option as `questions.csv` has it, or empty
where the output names none, which counts as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.table import LETTERS, SLIDE_SEPARATOR, with_newlines

OWN, NO_IMAGE, DONOR, RANDOM, SOFT = "own", "blind_none", "blind_donor", "random", "soft"
PATHS = (OWN, NO_IMAGE, DONOR, RANDOM, SOFT)
"""Which tokens the model saw: the reducer's choice, none, those of another patient's slide, 32 of
its own drawn at random, or the soft selection of training."""

METHODS = ("letter", "option", "text")
"""How an answer was read: probabilities of letters, of the options' texts, or greedy text."""

_BEFORE = ("question_id", "case_id", "slide_ids", "path", "method", "prediction", "correct")
_AFTER = ("output", "tokens_in", "tokens_kept")


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """One answer of a model.

    Attributes:
        question_id: The question.
        case_id: The question's case.
        slide_ids: Slides that the model saw, those of the donor where it saw another's.
        path: One of `PATHS`.
        method: One of `METHODS`.
        prediction: Letter of the chosen option in the question's own order; "" for none.
        correct: Whether that is the right letter.
        probabilities: Of the options in the question's own order; empty if there are none.
        output: What the model wrote, or the text of the chosen option.
        tokens_in: Tokens of the slides.
        tokens_kept: Tokens that the language model saw of them.
    """

    question_id: str
    case_id: str
    slide_ids: Sequence[str]
    path: str
    method: str
    prediction: str
    correct: bool
    probabilities: Sequence[float] = ()
    output: str = ""
    tokens_in: int
    tokens_kept: int


def write_answers(path: Path, rows: Iterable[AnswerRow]) -> None:
    """Write the answers of one model."""
    rows = list(rows)
    most = max((len(row.probabilities) for row in rows), default=0)
    columns = [*_BEFORE, *map(_probability_column, range(most)), *_AFTER]
    write_csv(path, pd.DataFrame([_cells(row) for row in rows], columns=columns))


def read_answers(path: Path) -> pd.DataFrame:
    """Read the answers of one model.

    Raises:
        ContractError: The file or a column is missing.
    """
    return read_csv(path, required=(*_BEFORE, *_AFTER))


def _cells(row: AnswerRow) -> dict[str, object]:
    cells = {name: getattr(row, name) for name in (*_BEFORE, *_AFTER)}
    cells |= {"slide_ids": SLIDE_SEPARATOR.join(row.slide_ids), "correct": int(row.correct)}
    cells |= {"output": with_newlines(row.output)}
    probabilities = {_probability_column(i): p for i, p in enumerate(row.probabilities)}
    return cells | probabilities


def _probability_column(place: int) -> str:
    """Column of an option's probability: p_a to p_z, then p_aa, p_bb, …."""
    letter = LETTERS[place]
    return f"p_{letter.lower()}" if letter.isupper() else f"p_{letter * 2}"
