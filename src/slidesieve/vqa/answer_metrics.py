"""Metrics of marked answers, for weighted questions so that one pass serves a whole bootstrap.

Row r of a weight matrix says how often each question counts in resample r; a row of ones gives the
ordinary value. Means over categories or classes are over those that the row draws, so that rare
ones do not leave resamples out; a metric of which a row draws nothing is NaN there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from slidesieve.vqa.marked import Marked
from slidesieve.vqa.table import Question

Values = NDArray[np.float64]
Cell = tuple[str, str, str]
"""Category, subcategory and metric; the first two are "" where all of them count."""

ACCURACY = "accuracy"
OVER_CATEGORIES = "accuracy_macro_categories"
OVER_SUBCATEGORIES = "accuracy_macro_subcategories"
BALANCED_ACCURACY, F1_MACRO = "balanced_accuracy", "f1_macro"
UNANSWERED = "unanswered"


def metric_cells(marked: Marked, weights: Values) -> dict[Cell, Values]:
    """Return every metric in every category and subcategory.

    Micro accuracy counts questions alike: of all, of each category and of each subcategory. Macro
    accuracy counts categories, or subcategories, alike. A category whose questions all have the
    same options is a task with classes, such as those of BCNB; it has balanced accuracy and
    macro-F1, too.

    Args:
        marked: n answers.
        weights: (R, n) how often each counts.

    Returns:
        (R,) values of each cell.
    """
    groups = _groups(marked.questions)
    accuracy = _accuracies(marked.right, weights, groups)
    cells = {(*group, ACCURACY): values for group, values in accuracy.items()}
    cells |= _macro(accuracy)
    if marked.predicted is None:
        return cells
    cells["", "", UNANSWERED] = _ratio(weights @ (marked.predicted == ""), weights.sum(axis=1))
    for (category, subcategory), rows in groups.items():
        if category and not subcategory and _is_task([marked.questions[i] for i in rows]):
            recall, f1 = _task_metrics(marked, weights, rows)
            cells[category, "", BALANCED_ACCURACY] = recall
            cells[category, "", F1_MACRO] = f1
    return cells


def members(questions: Sequence[Question], cell: Cell) -> list[int]:
    """Return the places of the questions that count in a cell."""
    return list(_groups(questions)[cell[:2]])


def _groups(questions: Sequence[Question]) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Places of all questions, of each category, and of each subcategory."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        groups["", ""].append(place)
        if question.category:
            groups[question.category, ""].append(place)
            if question.subcategory:
                groups[question.category, question.subcategory].append(place)
    return {group: np.array(places) for group, places in groups.items()}


def _macro(accuracy: Mapping[tuple[str, str], Values]) -> Iterator[tuple[Cell, Values]]:
    """Yield mean accuracies over categories, over all subcategories, and over those of each."""
    categories = [group for group in accuracy if group[0] and not group[1]]
    if len(categories) > 1:
        yield ("", "", OVER_CATEGORIES), _mean_of_drawn([accuracy[g] for g in categories])
    for category in ("", *(name for name, _ in categories)):
        inside = [g for g in accuracy if g[1] and category in ("", g[0])]
        if len(inside) > 1:
            yield (category, "", OVER_SUBCATEGORIES), _mean_of_drawn([accuracy[g] for g in inside])


def _is_task(questions: Sequence[Question]) -> bool:
    """Whether all questions have the same options, in whatever order."""
    return len({frozenset(question.options) for question in questions}) == 1


def _task_metrics(
    marked: Marked, weights: Values, rows: NDArray[np.int64]
) -> tuple[Values, Values]:
    """Balanced accuracy and macro-F1 over the classes that are an answer; (R,) each.

    A prediction of no class is a miss.
    """
    assert marked.predicted is not None, "guesses have no classes"
    truth = np.array([marked.questions[i].answer_text for i in rows])
    said = np.array([_text(marked.questions[i], str(marked.predicted[i])) for i in rows])
    classes = np.unique(truth)
    is_truth = (truth[:, None] == classes).astype(np.float64)
    is_said = (said[:, None] == classes).astype(np.float64)
    chosen = weights[:, rows]
    actual, named = chosen @ is_truth, chosen @ is_said
    hits = chosen @ (is_truth * is_said)
    f1 = np.where(actual > 0, _ratio(2 * hits, actual + named), np.nan)
    return _mean_of_drawn(_ratio(hits, actual).T), _mean_of_drawn(f1.T)


def _text(question: Question, letter: str) -> str:
    return question.options[question.letters.index(letter)] if letter else ""


def _accuracies(
    right: Values, weights: Values, groups: Mapping[tuple[str, str], NDArray[np.int64]]
) -> dict[tuple[str, str], Values]:
    """Micro accuracy of each group."""
    member = np.zeros((len(right), len(groups)))
    for column, rows in enumerate(groups.values()):
        member[rows, column] = 1
    accuracy = _ratio(weights @ (member * right[:, None]), weights @ member)
    return dict(zip(groups, accuracy.T, strict=True))


def _mean_of_drawn(values: Sequence[Values] | Values) -> Values:
    """Mean over the first axis of what is defined; NaN where nothing is."""
    stacked = np.asarray(values)
    drawn = ~np.isnan(stacked)
    return _ratio(np.where(drawn, stacked, 0).sum(axis=0), drawn.sum(axis=0).astype(np.float64))


def _ratio(above: Values, below: Values) -> Values:
    """Quotient, NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
