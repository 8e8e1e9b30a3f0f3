"""Batches of bags of similar length, so that little of them is padding."""

from __future__ import annotations

from collections.abc import Sequence

# A pass over fewer tokens takes about as long however many of them are padding.
_SMALL_BATCH_TOKENS = 1024


def pack_by_tokens(lengths: Sequence[int], token_budget: int) -> list[list[int]]:
    """Group bags of similar length into batches of limited size.

    Args:
        lengths: Tokens of each bag.
        token_budget: Most tokens a batch may hold, padding included. A longer bag is a batch of
            its own.

    Returns:
        Batches of positions in `lengths`, longest bags first. A batch of more than 1024 tokens is
        at most half padding.
    """
    batches: list[list[int]] = []
    longest = 0
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        held = len(batches[-1]) * longest if batches else 0
        too_big = held + longest > token_budget
        wasteful = held >= _SMALL_BATCH_TOKENS and 2 * lengths[i] < longest
        if not batches or too_big or wasteful:
            batches.append([])
            longest = lengths[i]
        batches[-1].append(i)
    return batches
