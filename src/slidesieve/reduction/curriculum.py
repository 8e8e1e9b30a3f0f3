"""How far a reducer's compression has come in training."""

from __future__ import annotations


def progress(start: float, end: float, step: int) -> float:
    """Return how much of the way from whole bags (0) to the final budget (1) a step has come.

    Args:
        start: Step after which compression begins.
        end: Step from which on it is what evaluation has.
        step: From 0.
    """
    if step >= end:
        return 1.0
    return (step - start) / (end - start) if step > start else 0.0
