"""Slides that a model was trained on, known again by the content of their features."""

from __future__ import annotations

import logging
from collections.abc import Collection

import pandas as pd

from slidesieve.errors import SlideError

log = logging.getLogger(__name__)


def seen_in_training(index: pd.DataFrame, trained_on: pd.DataFrame) -> list[str]:
    """Return the slides whose features a model was trained on; they are named in the log.

    Args:
        index: slide_id, features_sha256 of the slides to be predicted.
        trained_on: features_sha256 of the training slides.
    """
    # Slides without tokens have no checksum.
    known = set(trained_on["features_sha256"]) - {""}
    seen = index.loc[index["features_sha256"].isin(known), "slide_id"].tolist()
    if seen:
        log.warning("%d slide(s) were used in training: %s", len(seen), ", ".join(seen))
    return seen


def refuse_seen(seen: Collection[str], source: str) -> None:
    """Refuse to score a model on slides that it was trained on.

    Args:
        seen: Their names.
        source: Where the model comes from.

    Raises:
        SlideError: There are such slides; all are named.
    """
    if seen:
        raise SlideError(
            f"{len(seen)} slide(s) have the features of slides of {source}, whose models were "
            f"trained on them: {', '.join(seen)}. Scores would be too good; take them out of the "
            "sheet"
        )
