"""What happens when slides cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from slidesieve.errors import SlideError


class SlideOutcome(Protocol):
    """What every stage says of a slide."""

    slide_id: str
    status: str
    reason: str


def refuse_failed(outcome: SlideOutcome, on_slide_error: str) -> None:
    """Stop at an unusable slide if the config asks for it.

    Raises:
        SlideError: The slide failed and `on_slide_error` is "fail".
    """
    if outcome.status == "failed" and on_slide_error == "fail":
        raise SlideError(f"slide {outcome.slide_id}: {outcome.reason}")


def refuse_too_many_failed(
    status_of: Mapping[str, str], reason_of: Mapping[str, str], max_failed_fraction: float
) -> None:
    """Stop when more slides than the config allows have no tokens.

    Args:
        status_of: "ok", "empty" or "failed" of each slide.
        reason_of: Why not ok.
        max_failed_fraction: Largest share (0 to 1) of slides that may be unusable.

    Raises:
        SlideError: Names every unusable slide and its reason.
    """
    unusable = [slide_id for slide_id, status in status_of.items() if status != "ok"]
    if len(unusable) > max_failed_fraction * len(status_of):
        listed = "\n".join(f"  {slide_id}: {reason_of[slide_id]}" for slide_id in unusable)
        raise SlideError(
            f"{len(unusable)} of {len(status_of)} slides cannot be used, more than "
            f"max_failed_fraction = {max_failed_fraction:g} allows:\n{listed}"
        )
