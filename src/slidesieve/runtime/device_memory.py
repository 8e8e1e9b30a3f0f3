"""Retry a computation with a smaller batch after an out-of-memory error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")


def retry_on_oom(
    work: Callable[[], Result], ask_for_less: Callable[[torch.OutOfMemoryError], None]
) -> Result:
    """Return `work()`, begun anew whenever it runs out of memory.

    Args:
        work: Must have no effect when it is interrupted.
        ask_for_less: Makes the next attempt smaller. Gets what the device said, to raise it, or an
            error that names what is too large, if nothing smaller is left.
    """
    while True:
        try:
            return work()
        except torch.OutOfMemoryError as error:
            refusal = error
        # Outside the handler, whose traceback holds the tensors of the failed attempt.
        ask_for_less(refusal)
        del refusal
        torch.cuda.empty_cache()
