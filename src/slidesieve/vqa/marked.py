"""Answers beside the questions they answer, per model, path, method and source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.vqa.blind import CHANCE, RULES
from slidesieve.vqa.table import Question

RULE = "rule"
"""Path of the rules that see neither image nor model."""

_NAMED_IN_ERRORS = 5
Part = tuple[str, str]
"""A source and a part of it."""


@dataclass(frozen=True)
class Marked:
    """Answers of one model on one path, read by one method, to closed questions of one source.

    Attributes:
        model, path, method: Whose answers, and how they came about.
        questions: The n questions.
        predicted: (n,) letters, "" for none; None for a guess.
        right: (n,) 1 for a right answer, 0 for a wrong one; the probability of being right for a
            guess.
        tokens: Mean tokens_in and tokens_kept per question.
    """

    model: str
    path: str
    method: str
    questions: tuple[Question, ...]
    predicted: NDArray[np.str_] | None
    right: NDArray[np.float64]
    tokens: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def cases(self) -> NDArray[np.str_]:
        """(n,) case of each question."""
        return np.array([question.case_id for question in self.questions])

    def only(self, question_ids: frozenset[str]) -> Marked:
        """Return the answers to some questions, ordered by question_id."""
        rows = [i for i, q in enumerate(self.questions) if q.question_id in question_ids]
        rows.sort(key=lambda i: self.questions[i].question_id)
        return Marked(
            self.model,
            self.path,
            self.method,
            tuple(self.questions[i] for i in rows),
            None if self.predicted is None else self.predicted[rows],
            self.right[rows],
            self.tokens,
        )


def marked_answers(
    answers: Mapping[str, pd.DataFrame], questions: Sequence[Question]
) -> dict[Part, list[Marked]]:
    """Mark the answers of all models, and those of the rules that see no image.

    Args:
        answers: Model name to its answers table.
        questions: All questions; answers to open ones are passed over.

    Raises:
        ContractError: An answer is to no question, is given twice, names a letter without an
            option, or is marked otherwise than the question says.
    """
    by_id = {question.question_id: question for question in questions}
    marked: dict[Part, list[Marked]] = defaultdict(list)
    asked: dict[Part, dict[str, Question]] = defaultdict(dict)
    for model, table in answers.items():
        _check(model, table, by_id)
        for (path, method), rows in table.groupby(["path", "method"], sort=False):
            for part, of_part in _by_part(rows, by_id):
                found = _marked(model, str(path), str(method), of_part, by_id)
                marked[part].append(found)
                asked[part] |= {question.question_id: question for question in found.questions}
    for part, closed in asked.items():
        marked[part] += rule_answers(tuple(closed.values()))
    return dict(marked)


def _by_part(
    rows: pd.DataFrame, by_id: Mapping[str, Question]
) -> Iterator[tuple[Part, pd.DataFrame]]:
    """Yield the answers to closed questions of each source and part."""
    closed = rows[[by_id[name].is_closed for name in rows["question_id"]]]
    parts = [(by_id[name].source, by_id[name].split) for name in closed["question_id"]]
    for part in dict.fromkeys(parts):
        yield part, closed[[other == part for other in parts]]


def _marked(
    model: str, path: str, method: str, rows: pd.DataFrame, by_id: Mapping[str, Question]
) -> Marked:
    questions = tuple(by_id[name] for name in rows["question_id"])
    predicted = rows["prediction"].to_numpy(np.str_)
    answer = np.array([question.answer for question in questions])
    tokens = tuple(float(rows[name].mean()) for name in ("tokens_in", "tokens_kept"))
    right = (predicted == answer).astype(np.float64)
    return Marked(model, path, method, questions, predicted, right, (tokens[0], tokens[1]))


def rule_answers(questions: tuple[Question, ...]) -> Iterator[Marked]:
    """Yield the answers of the rules that see no image to closed questions, and of a guess."""
    answer = np.array([question.answer for question in questions])
    for name, rule in RULES.items():
        predicted = np.array(rule(questions))
        right = (predicted == answer).astype(np.float64)
        yield Marked(name, RULE, "", questions, predicted, right)
    guess = np.array([1 / len(question.options) for question in questions])
    yield Marked(CHANCE, RULE, "", questions, None, guess)


def _check(model: str, table: pd.DataFrame, by_id: Mapping[str, Question]) -> None:
    """Refuse answers that cannot be marked."""
    unknown = ~table["question_id"].isin(list(by_id))
    if unknown.any():
        raise ContractError(f"{model} answers what is no question: {_ids(table, unknown)}")
    twice = table.duplicated(["question_id", "path", "method"])
    if twice.any():
        raise ContractError(f"{model} answers twice on one path: {_ids(table, twice)}")
    asked = [by_id[name] for name in table["question_id"]]
    letters = table["prediction"].to_numpy(np.str_)
    odd = np.array(
        [
            bool(letter) and (len(letter) > 1 or letter not in question.letters)
            for letter, question in zip(letters, asked, strict=True)
        ]
    )
    if odd.any():
        raise ContractError(f"{model} predicts letters without an option: {_ids(table, odd)}")
    closed = np.array([question.is_closed for question in asked])
    right = letters == np.array([question.answer for question in asked])
    false = closed & (right != (table["correct"].to_numpy(np.float64) == 1))
    if false.any():
        raise ContractError(
            f"{model}: column correct is not that of questions.csv, which has changed since: "
            f"{_ids(table, false)}; answer again"
        )


def _ids(table: pd.DataFrame, rows: pd.Series | NDArray[np.bool_]) -> str:
    found = sorted(table.loc[rows, "question_id"].unique())
    more = f" and {len(found) - _NAMED_IN_ERRORS} more" if len(found) > _NAMED_IN_ERRORS else ""
    return ", ".join(found[:_NAMED_IN_ERRORS]) + more
