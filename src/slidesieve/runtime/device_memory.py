"""What is begun again when the device's memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")


def until_it_fits(
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
