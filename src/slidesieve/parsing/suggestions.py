"""What a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], n: int = 1) -> str:
    """Return "did you mean 'a' or 'b'? " for the known names that look like this one, else ""."""
    close = get_close_matches(name, list(known), n=n)
    return f"did you mean {' or '.join(map(repr, close))}? " if close else ""


def did_you_mean(name: str, allowed: list[str]) -> str:
    """Name the nearest allowed name and all of them."""
    return f"{nearest(name, allowed)}allowed: {', '.join(allowed)}"
