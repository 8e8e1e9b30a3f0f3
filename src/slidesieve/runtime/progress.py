"""Progress of long work as lines of text, in the job's log and in the terminal.

Lines stay readable where several jobs share a terminal; a bar would not.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_INTERVAL_S = 10.0


class Progress:
    """Count finished work; say where it stands every ten seconds.

    Args:
        what: The work, for example "slide A1, 3 of 8".
        total: Number of units.
        unit: Their name in the plural, for example "tiles".
        clock: Seconds that only rise.
    """

    def __init__(
        self, what: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._total, self._unit, self._clock = what, total, unit, clock
        self._done = 0
        self._start = self._said = clock()

    def update(self, count: int) -> None:
        """Add finished units."""
        self._done += count
        now = self._clock()
        if now - self._said >= _INTERVAL_S and self._done < self._total:
            self._said = now
            left_s = (now - self._start) / self._done * (self._total - self._done)
            line = (
                f"{self._what}: {self._done:,} of {self._total:,} {self._unit}, "
                f"{readable_duration(left_s)} left"
            )
            log.info(line)
            sys.stderr.write(f"{line}\n")


def readable_duration(seconds: float) -> str:
    """Return a duration in the two units a person would use, as in "3 min" or "1 h 20 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
