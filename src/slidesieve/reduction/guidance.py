"""A selector's scores learn from the attention paid to tokens that it did not choose.

The slide's label reaches the aggregator's attention directly, and a selector only through what
it did to the tokens. In guided passes the selector does nothing: the aggregator gets the whole bag,
or a cover of few tokens, and its attention says what was worth keeping. Whole bags show every
token; in a cover what is rare is no longer rare, so that attention finds it with few slides.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from slidesieve.nn.rows import log_softmax_of_bag
from slidesieve.reduction.covers import scored_cover
from slidesieve.reduction.selection import close_ranks, keep_tokens, positions
from slidesieve.tokens import Reduction, TokenBatch


def guided_pass(
    tokens: TokenBatch, scores: Tensor, choice: Tensor, spread_share: float, spread: int
) -> Reduction:
    """Hand on tokens as they came, with the scores that are to follow the attention they get.

    Args:
        tokens: B bags of N tokens.
        scores: (B, N) float32, with gradient.
        choice: (B, N) by whose largest the better half of a cover is chosen: the scores, or a draw
            by them.
        spread_share: Probability that it is a cover of each bag, see `scored_cover`, and not all
            of its tokens.
        spread: Most tokens of a cover.
    """
    if float(torch.rand(())) >= spread_share:
        return Reduction(tokens, positions(tokens.mask), pupil=scores)
    cover = scored_cover(tokens.features, choice, tokens.mask, spread)
    order = close_ranks(cover)[0]
    return replace(keep_tokens(tokens, cover), pupil=scores.gather(1, order))


def guidance_loss(scores: Tensor, attention: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over bags of −Σ_i a_i log softmax(s)_i; the attention gets no gradient.

    It is least, with softmax(s) = a, at the entropy of the attention.

    Args:
        scores: (B, N) s.
        attention: (B, N) a, each row summing to 1, 0 in padding.
        mask: (B, N) bool, True where a token is real.
    """
    log_importance = log_softmax_of_bag(scores, mask)
    terms = attention.detach() * log_importance.masked_fill(~mask, 0)
    return -terms.sum(dim=1).mean()
