"""Where a job's words go."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from types import TracebackType

from slidesieve.errors import SlideSieveError


def log_to(path: str | Path) -> None:
    """Send this process's log, and the error that ends it, to a rule's log file.

    Errors a user can act on are also said on stderr, in their own words, without a traceback.
    """
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    sys.excepthook = _log_exception


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger("slidesieve").critical("%s", error, exc_info=(kind, error, trace))
    if isinstance(error, SlideSieveError):
        sys.stderr.write(f"{kind.__name__}: {error}\n")
    else:
        sys.__excepthook__(kind, error, trace)
