"""Where the soft top-k weights lie."""

from __future__ import annotations

from torch import Tensor


def overlap(alpha: Tensor, kept: Tensor, mask: Tensor, k: Tensor | int) -> Tensor:
    """Return the share of the budget k that the tokens of the hard path hold: Σ_kept α / k.

    1 means that the soft path already is the hard one. Operators that weigh tokens in the order of
    their scores have no more than this on any k tokens.

    Args:
        alpha: (B, N) soft top-k weights.
        kept: (B, N) bool, the tokens of the hard path.
        mask: (B, N) bool, True where a token is real.
        k: The budget, of all bags or (B,) of each.

    Returns:
        (B',), one number for each bag of more than k tokens; the others leave no choice.
    """
    return ((alpha * kept).sum(dim=1) / k)[mask.sum(dim=1) > k]


def topk_mass(alpha: Tensor, mask: Tensor, k: int) -> Tensor:
    """Return the share of the budget k on the k largest weights, whichever tokens have them.

    Args:
        alpha: (B, N) soft top-k weights.
        mask: (B, N) bool, True where a token is real.
        k: The budget.

    Returns:
        (B',), one number for each bag of more than k tokens.
    """
    shared = alpha[mask.sum(dim=1) > k]
    return shared.topk(min(k, shared.shape[1]), dim=1).values.sum(dim=1) / k
