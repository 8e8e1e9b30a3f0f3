"""Bags that are made when they are looked at, so that no second copy of them is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from slidesieve.tokens import TokenBatch

T = TypeVar("T")


class LazyBags(Sequence[TokenBatch], Generic[T]):
    """A sequence of bags, each made from an item when it is asked for.

    Args:
        items: Bags in any form.
        make: Gives the token batch of an item.
    """

    def __init__(self, items: Sequence[T], make: Callable[[T], TokenBatch]) -> None:
        self._items = items
        self._make = make

    def __len__(self) -> int:
        return len(self._items)

    # No slices: bags are taken one by one.
    def __getitem__(self, index: int) -> TokenBatch:  # type: ignore[override]
        return self._make(self._items[index])
