"""Predictions of imaginary cohorts."""

from __future__ import annotations

import numpy as np
import pandas as pd

CLASSES = ("acinar", "solid", "benign")


def random_predictions(
    patients: int = 40,
    slides_each: int = 2,
    folds: int = 4,
    signal: float = 1.0,
    seed: int = 0,
    classes: tuple[str, ...] = CLASSES,
    digits: int = 2,
) -> pd.DataFrame:
    """An out-of-fold table; few digits make ties, slides of a patient resemble each other."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(patients) % len(classes), slides_each)
    shared = np.repeat(rng.normal(size=(patients, len(classes))), slides_each, axis=0)
    logits = shared + rng.normal(size=shared.shape) + signal * np.eye(len(classes))[label]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probability = np.round(probability, digits)
    probability[:, -1] = 1 - probability[:, :-1].sum(axis=1)
    patient = np.repeat([f"p{i:03d}" for i in range(patients)], slides_each)
    table = pd.DataFrame(
        {
            "slide_id": [f"s{i:04d}" for i in range(len(label))],
            "patient_id": patient,
            "fold": np.repeat(np.arange(patients) % folds, slides_each),
            "label": np.array(classes)[label],
            "prediction": np.array(classes)[probability.argmax(axis=1)],
        }
    )
    return table.join(pd.DataFrame(probability.round(12), columns=[f"prob_{c}" for c in classes]))
