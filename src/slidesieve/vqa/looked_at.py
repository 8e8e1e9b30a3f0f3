"""looked_at.csv: the answers that a page shows, and the tiles that the model saw for each.

Columns: question_id, slide_id, x, y: a row per question and tile whose features went into the
image tokens; x and y are the tile's top-left corner in level-0 px.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from slidesieve.bags import collate
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.answers_table import OWN, AnswerRow
from slidesieve.vqa.case_bags import CaseBags
from slidesieve.vqa.connector import Prefix
from slidesieve.vqa.model import SlideAnswerer
from slidesieve.vqa.table import Question

COLUMNS = ("question_id", "slide_id", "x", "y")
_WRONG, _RIGHT, _PER_SLIDE = 12, 8, 2


def telling_questions(rows: Sequence[AnswerRow], method: str) -> list[str]:
    """Return the questions that a page shows: the surest wrong answers, then the surest right ones.

    At most two of a kind are about the same slides.

    Args:
        rows: A model's answers.
        method: How the answers that count were read.
    """
    own = [row for row in rows if row.path == OWN and row.method == method and row.probabilities]
    own.sort(key=lambda row: -max(row.probabilities))
    wrong = _spread([row for row in own if not row.correct], _WRONG)
    return [*wrong, *_spread([row for row in own if row.correct], _RIGHT)]


def tiles_used(prefix: Prefix) -> NDArray[np.bool_]:
    """Return (N,) whether a token of the first case went into an image token."""
    return (prefix.reduction.source[0] >= 0).cpu().numpy()


@torch.no_grad()
def tiles_looked_at(
    model: SlideAnswerer, bags: CaseBags, questions: Iterable[Question]
) -> pd.DataFrame:
    """Return the table of looked_at.csv.

    Args:
        model: Without its training parts.
        bags: The tokens of the questions' slides.
        questions: Which to show, in order.
    """
    parts = []
    for question in questions:
        bag = bags.bag(question.slide_ids)
        used = tiles_used(model.connector(collate([bag]).to(model.device)))
        slides = bags.slide_of_tokens(question.slide_ids)[used]
        x, y = bag.coords[used].T
        cells = {"question_id": question.question_id, "slide_id": slides, "x": x, "y": y}
        parts.append(pd.DataFrame(cells))
    return pd.concat(parts)[list(COLUMNS)] if parts else pd.DataFrame(columns=list(COLUMNS))


def write_looked_at(path: Path, table: pd.DataFrame) -> None:
    """Write looked_at.csv."""
    write_csv(path, table)


def read_looked_at(path: Path) -> pd.DataFrame:
    """Read looked_at.csv.

    Raises:
        ContractError: The file or a column is missing.
    """
    return read_csv(path, required=COLUMNS)


def _spread(rows: Iterable[AnswerRow], limit: int) -> list[str]:
    """Return the first question ids, at most `_PER_SLIDE` about the same slides."""
    taken: dict[tuple[str, ...], int] = {}
    ids: list[str] = []
    for row in rows:
        slides = tuple(row.slide_ids)
        if taken.get(slides, 0) < _PER_SLIDE and len(ids) < limit:
            taken[slides] = taken.get(slides, 0) + 1
            ids.append(row.question_id)
    return ids
