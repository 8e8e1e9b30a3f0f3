"""Long work says where it stands, not more often than every ten seconds."""

from __future__ import annotations

import logging

import pytest

from slidesieve.runtime.progress import Progress, readable_duration


def test_a_line_per_ten_seconds_goes_to_log_and_terminal(caplog, capsys):
    now = [0.0]
    progress = Progress("slide A", 100, "tiles", clock=lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(100):
            now[0] += 0.25
            progress.update(1)
    lines = ["slide A: 40 of 100 tiles, 15 s left", "slide A: 80 of 100 tiles, 5 s left"]
    assert caplog.messages == lines
    assert capsys.readouterr().err.splitlines() == lines


def test_short_work_says_nothing(capsys):
    progress = Progress("slide A", 2, "tiles", clock=lambda: 0.0)
    progress.update(1)
    progress.update(1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h"), (4800, "1 h 20 min")],
)
def test_durations_are_said_in_a_persons_units(seconds, words):
    assert readable_duration(seconds) == words
