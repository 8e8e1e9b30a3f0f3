"""The end of a stage: which tokens stay."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.reduction.dtc.random_keys import random_keys
from slidesieve.reduction.dtc.settings import DTCSettings
from slidesieve.reduction.selection import keep_tokens, positions, top_tokens
from slidesieve.tokens import TokenBatch


def prune(
    tokens: TokenBatch,
    log_importance: Tensor,
    gate: Tensor | None,
    left: Tensor,
    settings: DTCSettings,
    random_draw: tuple[int, bool],
) -> tuple[TokenBatch, Tensor]:
    """Keep the tokens of greatest importance of each bag.

    Args:
        tokens: B bags of M tokens.
        log_importance: (B, M) log α.
        gate: (B, M), or None where there is no gate.
        left: (B,) how many stay.
        settings: The method's switches.
        random_draw: Number of the draw, and whether it is drawn anew, for `prune_by: random`.

    Returns:
        The tokens that stay, and where each went, (B, M) int64, -1 if nowhere.
    """
    keys = log_importance.detach()
    if settings.prune_by == "random":
        keys = random_keys(tokens, *random_draw)
    if settings.prune_mode == "threshold" and gate is not None:
        only_best = top_tokens(keys, tokens.mask, torch.ones_like(left))
        keep = (gate >= 0.5) | only_best
    else:
        keep = top_tokens(keys, tokens.mask, left)
    if torch.equal(keep, tokens.mask):
        return tokens, positions(tokens.mask)
    reduction = keep_tokens(tokens, keep)
    return reduction.tokens, reduction.source
