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
    """Return bag i as a batch of its own, without padding."""
    n_tokens = int(batch.lengths[i])
    per_token = ("features", "mask", "coords", "size")
    parts = {name: getattr(batch, name)[i : i + 1, :n_tokens] for name in per_token}
    return TokenBatch(**parts, pitch=None if batch.pitch is None else batch.pitch[i : i + 1])
