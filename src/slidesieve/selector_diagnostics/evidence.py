"""How much of a slide's prediction rests on the tokens that a selector ranks first.

The K best tokens go to the aggregator alone (are they sufficient?), and all but the K best (were
they necessary?), as in ERASER (DeYoung et al. 2020, https://arxiv.org/abs/1911.03429).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slidesieve.aggregators.base import Aggregator
from slidesieve.nn.rows import ranks
from slidesieve.reduction.selection import keep_tokens
from slidesieve.selector_diagnostics.seeds import seeded, slide_seed
from slidesieve.tokens import TokenBatch

RANDOM_ORDERS = 3

Values = NDArray[np.float64]


class EvidenceCurves(NamedTuple):
    """Probabilities of one class as tokens are kept or removed in one order.

    Attributes:
        counts: (G,) K, powers of two below the number of tokens.
        kept: (G,) from the first K tokens alone.
        removed: (G,) from all but the first K.
        minimal_k: The least K of the grid whose first K tokens alone are given that class; N if
            none are.
    """

    counts: tuple[int, ...]
    kept: Values
    removed: Values
    minimal_k: int


def evidence_curves(
    aggregator: Aggregator, tokens: TokenBatch, rank: Tensor, class_index: int
) -> EvidenceCurves:
    """Follow one class's probability along an order of a bag's tokens.

    Args:
        aggregator: Fitted.
        tokens: One bag without padding, as the aggregator takes them.
        rank: (1, N) place of each token in the order, from 0.
        class_index: The class.
    """
    n_tokens = rank.shape[1]
    counts = grid(n_tokens)
    kept = [_probabilities(aggregator, tokens, rank < k) for k in counts]
    removed = [_probabilities(aggregator, tokens, rank >= k)[class_index] for k in counts]
    enough = [k for k, p in zip(counts, kept, strict=True) if p.argmax() == class_index]
    return EvidenceCurves(
        counts,
        np.array([p[class_index] for p in kept]),
        np.array(removed),
        min(enough, default=n_tokens),
    )


def grid(n_tokens: int) -> tuple[int, ...]:
    """Return 1, 2, 4, … below the number of tokens."""
    return tuple(1 << power for power in range((n_tokens - 1).bit_length()))


def measure_evidence(
    aggregator: Aggregator, tokens: TokenBatch, scores: Tensor, class_index: int, slide_id: str
) -> Iterator[tuple[str, str, str, float]]:
    """Yield rows of slides.csv: both curves, their areas and the minimal K, beside random orders.

    An area is the mean over the grid: that under the curve over log K. Of random orders the mean
    of `RANDOM_ORDERS` is taken.

    Args:
        aggregator: Fitted.
        tokens: One bag of two or more tokens, without padding, as the aggregator takes them.
        scores: (1, N) the selector's.
        class_index: The class that the model in use predicts.
        slide_id: Seeds the random orders.
    """
    with seeded(slide_seed(slide_id, "evidence"), scores.device):
        keys = [torch.rand_like(scores) for _ in range(RANDOM_ORDERS)]
    for variant, orders in (("model", [scores]), ("random", keys)):
        curves = [
            evidence_curves(aggregator, tokens, ranks(order, tokens.mask), class_index)
            for order in orders
        ]
        kept = np.mean([curve.kept for curve in curves], axis=0)
        removed = np.mean([curve.removed for curve in curves], axis=0)
        yield "evidence", variant, "minimal_k", float(np.mean([c.minimal_k for c in curves]))
        for metric, values in (("sufficiency", kept), ("necessity", removed)):
            yield "evidence", variant, metric, float(values.mean())
            for k, value in zip(curves[0].counts, values, strict=True):
                yield metric, variant, str(k), float(value)


def _probabilities(aggregator: Aggregator, tokens: TokenBatch, keep: Tensor) -> Values:
    logits = aggregator(keep_tokens(tokens, keep).tokens).logits
    return logits[0].double().softmax(dim=0).cpu().numpy()
