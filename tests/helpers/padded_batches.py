"""Padded batches of random tokens, and one bag taken out of them."""

from __future__ import annotations

import torch

from slidesieve.tokens import TokenBatch


def make_batch(lengths, dim=12, seed=0, n_padding=0):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths) + n_padding) < torch.tensor(lengths)[:, None]
    features = torch.randn(*mask.shape, dim, generator=generator) * mask[..., None]
    coords = torch.zeros(*mask.shape, 2, dtype=torch.int64)
    return TokenBatch(features, mask, coords, mask.float())


def pick(batch, i):
    return batch.alone(i)
