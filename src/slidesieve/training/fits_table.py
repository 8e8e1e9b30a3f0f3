"""fits.csv: what each fit was like, and what says that it has failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from slidesieve.store.tables import read_csv

COLUMNS = [
    *("encoder", "model", "fold", "seed", "restarts", "best_epoch", "epochs"),
    *("train_cross_entropy", "val_balanced_accuracy"),
    *("truth_recall_val", "truth_recall_test", "signs"),
]
_DROPS_FAR_MORE = 0.2
"""Share of truth tiles that a selector may keep less of on the test part."""


def fits_table(
    folders: Mapping[tuple[str, str], Sequence[Path]],
    audits: Mapping[tuple[str, str], pd.DataFrame],
) -> pd.DataFrame:
    """Return the table of fits.csv, a row per encoder, model and fold.

    Columns: the seed of the fit and how many were tried beside it; the epoch whose weights were
    kept and how many there were; cross-entropy of the training slides in the last epoch, balanced
    accuracy of the validation part in the one kept (both empty where not known); share of truth
    tiles kept by a selector on the validation and the test part; signs of failure, joined by "; ".

    Args:
        folders: (encoder, model) to the fitted model's folder of each fold.
        audits: (encoder, model) to audit.csv of the selectors that are diagnosed.
    """
    rows = [
        _row(encoder, model, fold, folder, audits.get((encoder, model)))
        for (encoder, model), of_folds in folders.items()
        for fold, folder in enumerate(of_folds)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    encoder: str, model: str, fold: int, folder: Path, audit: pd.DataFrame | None
) -> dict[str, object]:
    said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    history = read_csv(folder / "history.csv")
    kept = history.iloc[said["best_epoch"] - 1]
    recall = {part: _truth_recall(audit, fold, variant) for part, variant in _VARIANTS.items()}
    signs = [*said["signs"], *_signs_of_recall(recall["val"], recall["test"])]
    return {
        "encoder": encoder,
        "model": model,
        "fold": fold,
        **{name: said[name] for name in ("seed", "restarts", "best_epoch")},
        "epochs": len(history),
        "train_cross_entropy": history["train_cross_entropy"].iloc[-1],
        "val_balanced_accuracy": kept["val_balanced_accuracy"],
        **{f"truth_recall_{part}": value for part, value in recall.items()},
        "signs": "; ".join(signs),
    }


_VARIANTS = {"val": "validation", "test": "model"}


def _truth_recall(audit: pd.DataFrame | None, fold: int, variant: str) -> float:
    """Return the share of truth tiles kept on one part of a fold; NaN if it is not known."""
    if audit is None:
        return float("nan")
    rows = audit[
        (audit["topic"] == "truth")
        & (audit["variant"] == variant)
        & (audit["metric"] == "recall")
        & (audit["fold"].astype(str) == str(fold))
    ]
    return float(rows["value"].iloc[0]) if len(rows) else float("nan")


def _signs_of_recall(val: float, test: float) -> Iterator[str]:
    if val - test > _DROPS_FAR_MORE:
        yield (
            f"the selector keeps {test:.2f} of the truth tiles of the test part, {val:.2f} of "
            "those of the validation part"
        )
