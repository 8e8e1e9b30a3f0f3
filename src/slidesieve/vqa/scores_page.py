"""scores.html: how good answers are beside answers without the slide, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from slidesieve.figures.html_page import Cell, heading, paragraph, table, write_page
from slidesieve.vqa.answer_metrics import ACCURACY
from slidesieve.vqa.answers_table import DONOR, NO_IMAGE, OWN, RANDOM, SOFT
from slidesieve.vqa.marked import RULE

PATH_WORDS = {
    OWN: "Own slide",
    NO_IMAGE: "No image",
    DONOR: "Another patient's slide",
    RANDOM: "Random 32 tokens",
    SOFT: "Soft selection",
}
_WORDS = (
    "Share of closed questions answered rightly; below it the 95 % interval (bootstrap over "
    "patients). A model is worth its slides only as far as “Own slide” is above the columns beside "
    "it, and above the rules below. Soft selection is that of training."
)
_CATEGORY_WORDS = "Own slides, by category of the question; n counts questions."
_DIFFERENCE_WORDS = (
    "Accuracy of the first minus that of the second on the same questions. Bold: the interval "
    "leaves out 0. p is corrected (Holm) over the rows of one kind of comparison."
)
_CONTRASTS = {
    "model": "Against the reference",
    "blind": "With its slide and without",
    "rule": "Against rules that see no slide",
    "soft": "Soft minus hard selection",
}


def scores_page(scores: pd.DataFrame, comparisons: pd.DataFrame, title: str, path: Path) -> None:
    """Write the scores of all models and sources as a page.

    Args:
        scores: Rows of scores.csv.
        comparisons: Rows of comparisons.csv.
        title: Of the page.
        path: Where to write.
    """
    parts: list[str] = []
    scores = scores.fillna({"category": "", "subcategory": ""})
    comparisons = comparisons.fillna({"category": "", "subcategory": ""})
    for (encoder, source, split, method), own in parts_of_scores(scores):
        whole = own[(own["category"] == "") & (own["metric"] == ACCURACY)]
        counts = f"{whole['n'].max()} questions of {whole['n_cases'].max()} patients"
        parts += [heading(f"{source}, {split}: {counts}")]
        parts += [paragraph(f"Encoder {encoder}; answers read as {method}. {_WORDS}")]
        parts += [_paths_table(whole), _rules_table(whole), *_categories(own)]
        here = (comparisons["encoder"] == encoder) & (comparisons["source"] == source)
        here &= (comparisons["split"] == split) & (comparisons["method"] == method)
        parts += _differences(comparisons[here])
    write_page(path, title, parts)


def parts_of_scores(
    scores: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str, str, str], pd.DataFrame]]:
    """Yield scores of closed questions, with the rules, which have no method, in each part.

    Yields:
        Encoder, source, split and method, and the rows.
    """
    closed = scores[(scores["path"] == OWN) & (scores["metric"] == ACCURACY)]
    keys = ["encoder", "source", "split"]
    for key in closed[[*keys, "method"]].drop_duplicates().itertuples(index=False):
        same = (scores[keys] == list(key[:3])).all(axis=1)
        same &= (scores["method"] == key[3]) | (scores["path"] == RULE)
        encoder, source, split, method = map(str, key)
        yield (encoder, source, split, method), scores[same]


def _paths_table(whole: pd.DataFrame) -> str:
    paths = [path for path in PATH_WORDS if path in set(whole["path"])]
    by_path = whole.set_index(["model", "path"])
    rows = [
        [Cell(str(model)), *(_score(by_path, (model, path)) for path in paths)]
        for model in dict.fromkeys(whole.loc[whole["path"] == OWN, "model"])
    ]
    return table(["Model", *(PATH_WORDS[path] for path in paths)], rows)


def _rules_table(whole: pd.DataFrame) -> str:
    """Accuracy of the rules that see neither slide nor model."""
    rules = whole[whole["path"] == RULE].set_index(["model", "path"])
    rows = [[Cell(f"rule: {model}"), _score(rules, (model, RULE))] for model, _ in rules.index]
    return table(["Rule that sees no slide", "Accuracy"], rows)


def _categories(own: pd.DataFrame) -> Iterator[str]:
    """Yield accuracy by category, a column each, where there are several."""
    rows = own[
        (own["path"] == OWN)
        & (own["metric"] == ACCURACY)
        & (own["category"] != "")
        & (own["subcategory"] == "")
    ]
    categories = list(dict.fromkeys(rows["category"]))
    if len(categories) < 2:
        return
    n_of = rows.groupby("category")["n"].max()
    by_category = rows.set_index(["model", "category"])
    body = [
        [Cell(str(model)), *(_score(by_category, (model, name)) for name in categories)]
        for model in dict.fromkeys(rows["model"])
    ]
    yield paragraph(_CATEGORY_WORDS)
    yield table(["Model", *(f"{name} (n = {n_of[name]})" for name in categories)], body)


def _differences(rows: pd.DataFrame) -> Iterator[str]:
    """Yield the paired differences over all questions."""
    rows = rows[(rows["category"] == "") & (rows["metric"] == ACCURACY)]
    if rows.empty:
        return
    yield paragraph(_DIFFERENCE_WORDS)
    head = ["Comparison", "First", "Second", "Difference", "p (Holm)"]
    yield table(head, [_difference(row) for _, row in rows.iterrows()])


def _difference(row: pd.Series) -> list[Cell]:
    clear = row["ci_low"] > 0 or row["ci_high"] < 0
    return [
        Cell(_CONTRASTS[row["contrast"]]),
        Cell(_side(row["model_a"], row["path_a"])),
        Cell(_side(row["model_b"], row["path_b"])),
        Cell(
            f"{row['difference']:+.3f}",
            note=f"{row['ci_low']:+.3f} to {row['ci_high']:+.3f}",
            css="number best" if clear else "number",
        ),
        Cell("–" if np.isnan(row["p_holm"]) else f"{row['p_holm']:.3f}", css="number"),
    ]


def _side(model: str, path: str) -> str:
    if path == RULE:
        return f"rule: {model}"
    return model if path == OWN else f"{model}, {PATH_WORDS[path].lower()}"


def _score(rows: pd.DataFrame, key: tuple[str, str]) -> Cell:
    if key not in rows.index:
        return Cell("–", css="number")
    row = cast(pd.Series, rows.loc[key])
    note = "" if np.isnan(row["ci_low"]) else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
    return Cell(f"{row['value']:.3f}", note=note, css="number")
