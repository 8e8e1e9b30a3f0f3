"""Can the questions about painted slides be answered from their tokens at all?

    python experiments/painted_questions.py FOLDER_OF_FEATURES

For every attribute that the demo's questions ask about: accuracy of a linear head on pooled tokens
(mean, maximum, minimum, mean of the four largest of each number), cross-validated over patients,
its penalty chosen in the training part, with the 95 % interval of patients drawn anew. The folder
holds <slide>.h5 of the painted slides.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from slidesieve.statistics.bootstrap import cluster_weights, percentile_interval
from slidesieve.store.features import read_features
from slidesieve.vqa.demo import ATTRIBUTES, demo_recipes

_FOLDS, _RESAMPLES, _SEED = 5, 1000, 0
_PENALTIES, _INNER_FOLDS = [1e-4, 1e-3, 1e-2, 1e-1], 3
_LARGEST = 4


def main() -> None:
    """Read the command line and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    recipes = demo_recipes()
    bags = [read_features(folder / f"{recipe.slide_id}.h5").features for recipe in recipes]
    pooled = np.stack([_pooled(np.asarray(bag, np.float64)) for bag in bags])
    print("| attribute | slides | linear head | commonest answer |\n|---|---|---|---|")
    for name, attribute in ATTRIBUTES.items():
        answers = np.array([attribute.answer(recipe) for recipe in recipes])
        asked = answers != ""
        right = _right(pooled[asked], answers[asked])
        low, high = _interval(right)
        common = max(Counter(answers[asked].tolist()).values()) / asked.sum()
        print(
            f"| {name} | {asked.sum()} | {right.mean():.3f} ({low:.3f} to {high:.3f}) "
            f"| {common:.3f} |"
        )


def _pooled(tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.sort(tokens, axis=0)[-_LARGEST:].mean(axis=0)
    return np.concatenate([tokens.mean(axis=0), tokens.max(axis=0), tokens.min(axis=0), largest])


def _right(pooled: NDArray[np.float64], answers: NDArray[np.str_]) -> NDArray[np.float64]:
    """1 for each slide whose answer is told by a head that has not seen it."""
    classifier = LogisticRegressionCV(Cs=_PENALTIES, cv=_INNER_FOLDS, max_iter=300)
    head = make_pipeline(StandardScaler(), classifier)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    return (cross_val_predict(head, pooled, answers, cv=folds) == answers).astype(np.float64)


def _interval(right: NDArray[np.float64]) -> tuple[float, float]:
    blocks = cluster_weights(np.arange(len(right)), _RESAMPLES, _SEED)
    drawn = np.concatenate([weights @ right / len(right) for weights in blocks])
    return percentile_interval(drawn)


if __name__ == "__main__":
    main()
