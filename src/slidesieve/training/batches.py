"""Batches on their way to the model, made ready ahead where the model leaves time for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from slidesieve.bags import Bag, collate
from slidesieve.nn.packing import pack_by_tokens
from slidesieve.runtime.thread_pool import prefetched
from slidesieve.tokens import TokenBatch


def within_budget(bags: Sequence[Bag], token_budget: int) -> list[list[Bag]]:
    """Group bags into passes of at most `token_budget` tokens, see `pack_by_tokens`."""
    lengths = [len(bag.features) for bag in bags]
    return [[bags[i] for i in group] for group in pack_by_tokens(lengths, token_budget)]


def labels_of(bags: Sequence[Bag]) -> Tensor:
    """Return the class indices of bags, (B,) int64."""
    return torch.tensor([bag.label_index for bag in bags])


class StepBatches:
    """The passes of an epoch's optimiser steps, made ready as `ready_batches` does.

    Args:
        steps: The bags of each step.
        device: Where the batches are wanted.
    """

    def __init__(self, steps: Sequence[Sequence[Bag]], device: torch.device) -> None:
        self.steps = steps
        self._device = device
        self._ready: Iterator[TokenBatch] = iter(())
        self._ready_for: tuple[int, int] | None = None

    def passes(self, step: int, token_budget: int) -> Iterator[tuple[list[Bag], TokenBatch]]:
        """Yield the bags and the batch of each pass of a step.

        Steps follow one another, or one is begun again with a lower budget, which then also holds
        for what was made ready.
        """
        if self._ready_for != (step, token_budget):
            groups = [g for bags in self.steps[step:] for g in within_budget(bags, token_budget)]
            self._ready = ready_batches(groups, self._device)
        self._ready_for = None
        for group in within_budget(self.steps[step], token_budget):
            yield group, next(self._ready)
        self._ready_for = (step + 1, token_budget)


def ready_batches(groups: Sequence[Sequence[Bag]], device: torch.device) -> Iterator[TokenBatch]:
    """Yield the batch of each group on a device, one prepared ahead where there is time for it.

    Reading and, for a GPU, the copy from pinned memory happen in a thread while the caller
    computes; at most two batches are alive besides the caller's. A model on CPUs keeps them busy:
    what is in memory for it is padded when it is asked for, since a thread would take more from the
    model than it gives (5 % of training with bags of 100 tokens).
    """
    if device.type == "cpu" and all(_is_in_memory(bag) for group in groups for bag in group):
        return (_batch(group, device) for group in groups)
    return _prefetched(groups, device)


def _is_in_memory(bag: Bag) -> bool:
    return isinstance(bag.features, np.ndarray)


def _prefetched(groups: Sequence[Sequence[Bag]], device: torch.device) -> Iterator[TokenBatch]:
    with prefetched((_batch(group, device) for group in groups), "batches") as batches:
        yield from batches


def _batch(bags: Sequence[Bag], device: torch.device) -> TokenBatch:
    batch = collate(bags)
    if device.type != "cuda":
        return batch.to(device)
    # Only pinned memory is copied to a GPU without making the computation wait.
    return batch.pin_memory().to(device, non_blocking=True)
