"""The errors SlideSieve raises on purpose: each message says what, where and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class SlideSieveError(Exception):
    """Base of every error a user can act on."""


class ConfigError(SlideSieveError):
    """Every mistake found in a config or sample sheet, one line each.

    Args:
        problems: One sentence per mistake, each naming the key or row.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SlideError(SlideSieveError):
    """One slide cannot be used; the message is the reason written into its files and cohort.csv."""


class TileReadError(SlideSieveError):
    """A region of a readable slide cannot be decoded."""


class ContractError(SlideSieveError):
    """A file does not hold what its contract promises."""
