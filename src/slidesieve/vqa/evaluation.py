"""scores.csv and comparisons.csv: how good answers are, with intervals over patients."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from slidesieve.statistics.bootstrap import cluster_weights, percentile_interval, two_sided_p
from slidesieve.statistics.comparisons import FEWEST_PATIENTS
from slidesieve.statistics.multiplicity import holm
from slidesieve.statistics.summary import log_left_out
from slidesieve.vqa.answer_metrics import Cell, Values, members, metric_cells
from slidesieve.vqa.answers_table import DONOR, NO_IMAGE, OWN, RANDOM, SOFT
from slidesieve.vqa.marked import RULE, Marked, Part, marked_answers
from slidesieve.vqa.table import Question

log = logging.getLogger(__name__)

_FILE = ("encoder", "source", "split")
_VERSION = ("source_sha256", "source_rows")
_CELL = ("category", "subcategory", "metric")
SCORE_KEYS = [*_FILE, "model", "path", "method", *_CELL]
"""Columns that name a row of scores.csv."""

COMPARISON_KEYS = [
    *(*_FILE, "contrast", "model_a", "path_a", "model_b", "path_b", "method"),
    *_CELL,
]
"""Columns that name a row of comparisons.csv."""

_COUNTS = ("n", "n_cases")
SCORE_COLUMNS = [*SCORE_KEYS, "value", "ci_low", "ci_high", *_COUNTS, *_VERSION]
COMPARISON_COLUMNS = [
    *COMPARISON_KEYS,
    *("difference", "ci_low", "ci_high", "p", "p_holm"),
    *_COUNTS,
    *_VERSION,
]
_FAMILY = ["encoder", "source", "split", "contrast", "category", "metric"]
Identity = tuple[str, int]
"""SHA-256 and number of rows of a source file."""


def scores_table(
    answers: Mapping[tuple[str, str], pd.DataFrame],
    questions: Sequence[Question],
    files: Mapping[str, Identity],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of scores.csv.

    Args:
        answers: (encoder, model) to its answers table.
        questions: All questions.
        files: Identity of each source's file: results are of that version of it.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.

    Returns:
        A row per encoder, source, part, model, path, method and cell
        (`answer_metrics.metric_cells`). The rules that see no image are models on the path "rule".
        The interval is the 95 % percentile interval; patients are drawn with all their questions.
        Mean tokens_in and tokens_kept per question are rows without one. `n` counts questions,
        `n_cases` patients.

    Raises:
        ContractError: Answers do not fit the questions.
    """
    rows = [
        {"encoder": encoder, **_file(part, files), **_whose(marked), **row}
        for encoder, models in _by_encoder(answers).items()
        for part, group in marked_answers(models, questions).items()
        for marked in group
        for row in _scores(marked, resamples, seed)
    ]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def comparisons_table(
    answers: Mapping[tuple[str, str], pd.DataFrame],
    questions: Sequence[Question],
    files: Mapping[str, Identity],
    reference: str,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of comparisons.csv: paired differences, a minus b, on the same questions.

    Contrasts: "model", every model against the reference; "blind", a model with its slides against
    itself without image, with another patient's slide and with as many random tokens; "rule", a
    model against the rules that see no image; "soft", the soft selection of training against the
    hard one.

    Args:
        answers: (encoder, model) to its answers table.
        questions: All questions.
        files: Identity of each source's file.
        reference: The model that the others are compared with.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.

    Returns:
        A row per contrast and cell of whole categories. `p` is that of the paired patient
        bootstrap, NaN for fewer than six patients; `p_holm` is Holm's correction over the rows of
        a contrast, category and metric.

    Raises:
        ContractError: Answers do not fit the questions.
    """
    rows = []
    for encoder, models in _by_encoder(answers).items():
        for part, group in marked_answers(models, questions).items():
            draws = _Draws(resamples, seed)
            for contrast, a, b in _contrasts(group, reference):
                pair = {"encoder": encoder, **_file(part, files), **_pair(contrast, a, b)}
                rows += [pair | row for row in _differences(a, b, draws)]
    table = pd.DataFrame(rows, columns=[name for name in COMPARISON_COLUMNS if name != "p_holm"])
    corrected = table.groupby(_FAMILY)["p"].transform(holm) if rows else table["p"]
    return table.assign(p_holm=corrected)[COMPARISON_COLUMNS]


def _contrasts(group: Sequence[Marked], reference: str) -> Iterator[tuple[str, Marked, Marked]]:
    """Yield the pairs to compare, with the name of the contrast."""
    by_key = {(marked.model, marked.path, marked.method): marked for marked in group}
    rules = [marked for marked in group if marked.path == RULE]
    for (model, path, method), own in by_key.items():
        if path != OWN:
            continue
        if model != reference and (reference, OWN, method) in by_key:
            yield "model", own, by_key[reference, OWN, method]
        for other in (NO_IMAGE, DONOR, RANDOM):
            if (model, other, method) in by_key:
                yield "blind", own, by_key[model, other, method]
        yield from (("rule", own, rule) for rule in rules)
        if (model, SOFT, method) in by_key:
            yield "soft", by_key[model, SOFT, method], own


def _scores(marked: Marked, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one model, path and method."""
    values, drawn = _value(marked), _bootstrap(marked, resamples, seed)
    for cell, value in values.items():
        log_left_out(drawn[cell], f"{marked.model}, {marked.path}, {'/'.join(cell)}")
        low, high = percentile_interval(drawn[cell])
        yield _cell(marked, cell) | {"value": value, "ci_low": low, "ci_high": high}
    if marked.path != RULE:
        for name, value in zip(("tokens_in", "tokens_kept"), marked.tokens, strict=True):
            yield _cell(marked, ("", "", name)) | {"value": value}


def _differences(a: Marked, b: Marked, draws: _Draws) -> Iterator[dict[str, Any]]:
    """Yield the rows of one pair; the same patients are drawn for both."""
    common = {q.question_id for q in a.questions} & {q.question_id for q in b.questions}
    left_out = len(a.questions) + len(b.questions) - 2 * len(common)
    if left_out:
        log.warning(
            "%d questions that only one of %s and %s answered left out", *_named(left_out, a, b)
        )
    if not common:
        return
    a, b = a.only(frozenset(common)), b.only(frozenset(common))
    value_a, value_b = _value(a), _value(b)
    drawn_a, drawn_b = draws.of(a), draws.of(b)
    for cell in value_a:
        if cell[1] or cell not in value_b:
            continue
        differences = drawn_a[cell] - drawn_b[cell]
        low, high = percentile_interval(differences)
        row = _cell(a, cell)
        enough = row["n_cases"] >= FEWEST_PATIENTS
        yield row | {
            "difference": value_a[cell] - value_b[cell],
            "ci_low": low,
            "ci_high": high,
            "p": two_sided_p(differences) if enough else float("nan"),
        }


@dataclass(frozen=True)
class _Draws:
    """Bootstraps of answers, each made once, for a model takes part in several contrasts."""

    resamples: int
    seed: int
    _made: dict[tuple, dict[Cell, Values]] = field(default_factory=dict)

    def of(self, marked: Marked) -> dict[Cell, Values]:
        """Return the (resamples,) values of each cell."""
        ids = tuple(question.question_id for question in marked.questions)
        key = (marked.model, marked.path, marked.method, ids)
        if key not in self._made:
            self._made[key] = _bootstrap(marked, self.resamples, self.seed)
        return self._made[key]


def _named(count: int, a: Marked, b: Marked) -> tuple[int, str, str]:
    return count, f"{a.model} ({a.path})", f"{b.model} ({b.path})"


def _value(marked: Marked) -> dict[Cell, float]:
    ones = np.ones((1, len(marked.questions)))
    return {cell: float(values[0]) for cell, values in metric_cells(marked, ones).items()}


def _bootstrap(marked: Marked, resamples: int, seed: int) -> dict[Cell, Values]:
    blocks = [
        metric_cells(marked, weights) for weights in cluster_weights(marked.cases, resamples, seed)
    ]
    return {cell: np.concatenate([block[cell] for block in blocks]) for cell in blocks[0]}


def _cell(marked: Marked, cell: Cell) -> dict[str, Any]:
    rows = members(marked.questions, cell)
    cases = {marked.questions[i].case_id for i in rows}
    return dict(zip(_CELL, cell, strict=True)) | {"n": len(rows), "n_cases": len(cases)}


def _by_encoder(
    answers: Mapping[tuple[str, str], pd.DataFrame],
) -> dict[str, dict[str, pd.DataFrame]]:
    """Answers of each model, by the encoder whose features it saw."""
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for (encoder, model), table in answers.items():
        found.setdefault(encoder, {})[model] = table
    return found


def _pair(contrast: str, a: Marked, b: Marked) -> dict[str, str]:
    return {
        "contrast": contrast,
        **{"model_a": a.model, "path_a": a.path, "model_b": b.model, "path_b": b.path},
        "method": a.method,
    }


def _whose(marked: Marked) -> dict[str, str]:
    return {"model": marked.model, "path": marked.path, "method": marked.method}


def _file(part: Part, files: Mapping[str, Identity]) -> dict[str, Any]:
    source, split = part
    sha256, rows = files[source]
    return {"source": source, "split": split, "source_sha256": sha256, "source_rows": rows}
