"""What two parts of SparseLearn cost on long bags: LongNet's dilated attention and the soft top-k.

    python benchmarks/sparselearn_parts.py [--tokens 14000 100000] [--threads 2]

The encoder is two blocks of `encoder: longnet` at width 512 in evaluation, beside the same blocks
with exact attention up to `--exact-up-to` tokens. The operators share k = 32 units among N scores,
forwards and backwards, as in training; bytes a token are those alive at once at the worst moment.
Times are of a single pass.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pandas as pd
import torch
from torch import nn

from slidesieve.inference.cost import PassCost, measure_long_pass, random_bag
from slidesieve.reduction.soft_topk import OPERATORS, soft_top_k
from slidesieve.reduction.sparselearn.encoder import SlideEncoder
from slidesieve.tokens import TokenBatch

DIM, LAYERS, HEADS = 512, 2, 8
K, TAU = 32, 0.5


class Encoder(nn.Module):
    """The slide encoder on a bag."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.encoder = SlideEncoder(kind, DIM, LAYERS, HEADS)

    def forward(self, bag: TokenBatch) -> torch.Tensor:
        """Encode the bag's tokens."""
        return self.encoder(bag.features, bag.mask)


class SoftTopK(nn.Module):
    """One operator, forwards and backwards; the bag's only feature is the score."""

    def __init__(self, operator: str) -> None:
        super().__init__()
        self.operator = operator

    @torch.enable_grad()
    def forward(self, bag: TokenBatch) -> None:
        """Share k units and send a gradient back."""
        scores = bag.features.squeeze(-1).requires_grad_()
        alpha = soft_top_k(self.operator, scores, bag.mask, K, TAU)
        torch.autograd.grad(alpha.square().sum(), scores)


def rows(n_tokens: int, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Measure every part on one bag."""
    for kind in ("longnet", "transformer"):
        if kind == "longnet" or n_tokens <= options.exact_up_to:
            cost = measure_long_pass(
                Encoder(kind).eval(), random_bag(n_tokens, DIM), options.threads
            )
            yield row(f"encoder {kind}", n_tokens, cost)
    for operator in OPERATORS:
        cost = measure_long_pass(SoftTopK(operator), random_bag(n_tokens, 1), options.threads)
        yield row(f"soft top-k {operator}", n_tokens, cost)


def row(part: str, n_tokens: int, cost: PassCost) -> dict[str, object]:
    """Return a row of the table."""
    return {
        "part": part,
        "tokens": n_tokens,
        "GFLOP": cost.gflops,
        "peak MB": cost.peak_memory_mb,
        "bytes a token": cost.peak_memory_mb * 1e6 / n_tokens,
        "ms": cost.latency_ms,
        "CPU ms": cost.cpu_ms,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[14_000, 100_000], metavar="N")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--exact-up-to", type=int, default=14_000, metavar="N")
    options = parser.parse_args()
    torch.manual_seed(0)
    for n_tokens in options.tokens:
        # The first call of an operation pays for what all later ones use.
        list(rows(100, options))
        table = pd.DataFrame(rows(n_tokens, options))
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"), flush=True)


if __name__ == "__main__":
    main()
