"""What happens when slides cannot be used."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from slidesieve.errors import SlideError


class SlideOutcome(Protocol):
    """What every stage says of a slide."""

    @property
    def slide_id(self) -> str:
        """The slide."""

    @property
    def status(self) -> str:
        """Is "ok", "empty" or "failed"."""

    @property
    def reason(self) -> str:
        """Why not "ok"."""


def refuse_failed(outcome: SlideOutcome, on_slide_error: str) -> None:
    """Stop at an unusable slide if the config asks for it.

    Raises:
        SlideError: The slide failed and `on_slide_error` is "fail".
    """
    if outcome.status == "failed" and on_slide_error == "fail":
        raise SlideError(f"slide {outcome.slide_id}: {outcome.reason}")


def refuse_too_many_failed(table: pd.DataFrame, max_failed_fraction: float) -> None:
    """Stop when more slides than the config allows have no tokens.

    Args:
        table: slide_id, status ("ok", "empty" or "failed") and reason; one row per slide.
        max_failed_fraction: Largest share (0 to 1) of slides that may be unusable.

    Raises:
        SlideError: Names every unusable slide and its reason.
    """
    unusable = table[table["status"] != "ok"]
    if len(unusable) > max_failed_fraction * len(table):
        pairs = zip(unusable["slide_id"], unusable["reason"], strict=True)
        listed = "\n".join(f"  {slide_id}: {reason}" for slide_id, reason in pairs)
        raise SlideError(
            f"{len(unusable)} of {len(table)} slides cannot be used, more than "
            f"max_failed_fraction = {max_failed_fraction:g} allows:\n{listed}"
        )
