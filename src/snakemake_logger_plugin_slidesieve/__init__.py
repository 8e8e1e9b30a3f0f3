"""Snakemake's terminal output as SlideSieve shows it: a line or two per job, and the time left.

`profiles/default` turns it on. The complete log in .snakemake/log/ stays Snakemake's own.
"""

from __future__ import annotations

import sys
from logging import LogRecord
from typing import cast

from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_slidesieve.lines import SnakemakeRecord, Terminal


class LogHandler(LogHandlerBase):
    """Writes each event of a run as a short line."""

    def __post_init__(self) -> None:
        """Start with an empty terminal."""
        settings = self.common_settings
        self._terminal = Terminal(
            dry_run=settings.dryrun, show_failed_logs=settings.show_failed_logs
        )
        self._stream = sys.stdout if settings.stdout else sys.stderr

    def emit(self, record: LogRecord) -> None:
        """Write the lines of an event."""
        for line in self._terminal.lines(cast(SnakemakeRecord, record)):
            self._stream.write(f"{line}\n")
        self._stream.flush()

    @property
    def writes_to_stream(self) -> bool:
        """This handler takes the place of Snakemake's own."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """The log file is Snakemake's."""
        return False

    @property
    def has_filter(self) -> bool:
        """Snakemake's filter, which obeys --quiet, stays in force."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Lines are made here."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """No graph is drawn."""
        return False
