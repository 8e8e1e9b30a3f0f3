"""Quarantine of slides that cannot be used."""

from __future__ import annotations

import math
from typing import Protocol

import pandas as pd

from slidesieve.errors import SlideError


class SlideOutcome(Protocol):
    """The status that every stage gives a slide."""

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


def refuse_any_failed(table: pd.DataFrame, on_slide_error: str) -> None:
    """Stop at unusable slides if the config asks for it.

    Args:
        table: slide_id, status and reason; one row per slide.
        on_slide_error: "fail" or "quarantine".

    Raises:
        SlideError: Names every failed slide and its reason.
    """
    failed = table[table["status"] == "failed"]
    if on_slide_error == "fail" and len(failed):
        raise SlideError(f"{len(failed)} slides cannot be used:\n{_listed(failed)}")


def refuse_too_many_failed(table: pd.DataFrame, max_failed_fraction: float) -> None:
    """Stop when more slides than the config allows have no tokens.

    Args:
        table: slide_id, status ("ok", "empty" or "failed") and reason; one row per slide.
        max_failed_fraction: Largest share (0 to 1) of slides that may be unusable.

    Raises:
        SlideError: Names every unusable slide and its reason.
    """
    unusable = table[table["status"] != "ok"]
    allowed = max_failed_fraction * len(table)
    # A share of exactly the limit must not fail by the rounding of 0.07 × 100.
    if len(unusable) > allowed and not math.isclose(len(unusable), allowed):
        raise SlideError(
            f"{len(unusable)} of {len(table)} slides cannot be used, more than "
            f"max_failed_fraction = {max_failed_fraction:g} allows:\n{_listed(unusable)}"
        )


def _listed(slides: pd.DataFrame) -> str:
    pairs = zip(slides["slide_id"], slides["reason"], strict=True)
    return "\n".join(f"  {slide_id}: {reason}" for slide_id, reason in pairs)
