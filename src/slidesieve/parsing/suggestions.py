"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], n: int = 1) -> str:
    """Return "did you mean 'a' or 'b'? " for the known names that look like this one, else ""."""
    by_lower_case: dict[str, str] = {}
    for candidate in known:
        by_lower_case.setdefault(candidate.lower(), candidate)
    close = [by_lower_case[match] for match in get_close_matches(name.lower(), by_lower_case, n=n)]
    return f"did you mean {' or '.join(map(repr, close))}? " if close else ""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Name the nearest allowed name and all of them."""
    allowed = list(allowed)
    return f"{nearest(name, allowed)}allowed: {', '.join(allowed) or 'none'}"
