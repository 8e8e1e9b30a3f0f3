"""One verdict per slide, from a predictions table; the confidently wrong come first."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROBABILITY = "prob_"
_NO_LABEL = ""


def classes_of(predictions: pd.DataFrame) -> list[str]:
    """Return the class names of a predictions table, in the order of the config."""
    names = map(str, predictions.columns)
    return [name.removeprefix(PROBABILITY) for name in names if name.startswith(PROBABILITY)]


def slide_verdicts(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per slide, errors first, and of these the most confident.

    Args:
        predictions: slide_id, label, prediction and prob_<class> for every class; with `fold`, a
            slide that several folds test (repeated cross-validation) has a row for each. An
            ensemble states its `spread` and `n_fits`.

    Returns:
        slide_id, label, prediction, prob_<class>… (mean over the rows of a slide), confidence
        (probability of the predicted class), spread (its standard deviation over the rows of the
        slide, or over the fits of an ensemble; NaN of a single one), n_fits, fold (the first), and
        is_error. Slides that are right follow, the least confident first.
    """
    classes = classes_of(predictions)
    rows = [
        _verdict(str(slide_id), part, classes)
        for slide_id, part in predictions.groupby("slide_id", sort=True)
    ]
    columns = ["slide_id", "label", "prediction", *(f"{PROBABILITY}{name}" for name in classes)]
    columns += ["confidence", "spread", "n_fits", "fold", "is_error"]
    table = pd.DataFrame(rows, columns=columns)
    doubt = np.where(table["is_error"].astype(bool), -table["confidence"], 1 + table["confidence"])
    return table.iloc[np.argsort(doubt, kind="stable")].reset_index(drop=True)


def _verdict(slide_id: str, rows: pd.DataFrame, classes: list[str]) -> dict[str, object]:
    probabilities = rows[[f"{PROBABILITY}{name}" for name in classes]].to_numpy(np.float64)
    mean = probabilities.mean(axis=0)
    winner = int(mean.argmax())
    first = rows.iloc[0]
    # Of one row its own word counts: a tie is broken there.
    prediction = classes[winner] if len(rows) > 1 else str(first["prediction"])
    spread = probabilities[:, winner].std(ddof=1) if len(rows) > 1 else float("nan")
    return {
        "slide_id": slide_id,
        "label": first["label"],
        "prediction": prediction,
        **{f"{PROBABILITY}{name}": mean[i] for i, name in enumerate(classes)},
        "confidence": mean[classes.index(prediction)],
        "spread": first.get("spread", spread),
        "n_fits": int(first.get("n_fits", len(rows))),
        "fold": first.get("fold", float("nan")),
        "is_error": first["label"] not in (_NO_LABEL, prediction),
    }
