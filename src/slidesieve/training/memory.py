"""How many tokens a device gets at once, and what happens when they do not fit its memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from slidesieve.bags import Bag
from slidesieve.errors import SlideSieveError
from slidesieve.runtime.device_memory import retry_on_oom

log = logging.getLogger(__name__)

# On a CPU larger passes do not run faster, and what they compute no longer fits its caches: four
# bags of 14,000 tokens took 1.9 times as long in one pass as one after another.
_CPU_TOKENS = 4096

Result = TypeVar("Result")


class TokenBudget:
    """How many tokens the device gets at once: what suits it, until that proves too many.

    Args:
        tokens: Most tokens of a batch, padding included, as in the config.
        device: Where they go; a CPU gets no more than stay in its caches. A larger bag is a batch
            of its own.
    """

    def __init__(self, tokens: int, device: torch.device) -> None:
        self.tokens = min(tokens, _CPU_TOKENS) if device.type == "cpu" else tokens

    def run(self, bags: Sequence[Bag], work: Callable[[int], Result]) -> Result:
        """Return `work(tokens)`, which may be begun several times, with half the tokens each time.

        What did not fit once is not tried again: the lower budget stays. The random state is put
        back before every new beginning, so that the result is that of a call which had the lower
        budget from the start.

        Args:
            bags: What `work` goes through in batches of at most `tokens`.
            work: Must have no effect when it is interrupted.

        Raises:
            SlideSieveError: The memory does not suffice for one slide at a time.
        """
        state = RandomState()

        def begin_anew(refusal: torch.OutOfMemoryError) -> None:
            self._halve(bags, refusal)
            state.restore()

        return retry_on_oom(lambda: work(self.tokens), begin_anew)

    def _halve(self, bags: Sequence[Bag], refusal: torch.OutOfMemoryError) -> None:
        by_length = sorted(bags, key=lambda bag: len(bag.features))
        longest = by_length[-1]
        # The smallest batch of two is the two shortest, padded to the longer of them.
        if len(bags) == 1 or self.tokens < 2 * len(by_length[1].features):
            raise SlideSieveError(
                f"slide {longest.slide_id}, {len(longest.features)} tokens: the device's memory "
                "does not hold it even alone. Use a model that keeps fewer tokens, or a larger GPU"
            ) from refusal
        self.tokens = min(self.tokens, len(bags) * len(longest.features)) // 2
        log.warning(
            "out of memory: going on with at most %d tokens at once. To save the attempt, set "
            "training.token_budget to that",
            self.tokens,
        )


class RandomState:
    """The state of torch's generators at the time of making."""

    def __init__(self) -> None:
        self._cpu = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def restore(self) -> None:
        """Put that state back."""
        torch.set_rng_state(self._cpu)
        for index, state in enumerate(self._cuda):
            torch.cuda.set_rng_state(state, index)
