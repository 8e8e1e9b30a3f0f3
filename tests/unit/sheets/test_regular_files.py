"""Pipes, devices and folders that give no answer are told before anything is opened."""

from __future__ import annotations

import os
import time
from pathlib import Path

from slidesieve.sheets import regular_files
from slidesieve.sheets.regular_files import irregularity, look_at


def test_files_folders_and_nothing_are_no_trouble(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path, tmp_path / "absent", Path("x" * 5000)):
        assert irregularity(path) == ""


def test_pipes_and_devices_are(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert irregularity(tmp_path / "pipe") == "it is a named pipe, not a file"
    assert irregularity(Path("/dev/zero")) == "it is a device, not a file"


def test_a_folder_that_gives_no_answer_is_waited_for_once(tmp_path, monkeypatch):
    real = os.stat

    def hangs_below_dead(path, *args, **kwargs):
        if "dead" in str(path):
            time.sleep(5)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(regular_files.os, "stat", hangs_below_dead)
    (tmp_path / "alive").touch()
    dead = [tmp_path / "dead" / str(number) for number in range(50)]
    start = time.monotonic()
    looks = look_at([tmp_path / "alive", *dead, tmp_path], patience_s=0.2)
    assert time.monotonic() - start < 2
    assert {looks[path].problem for path in dead} == {"its file system gives no answer for 0.2 s"}
    assert looks[tmp_path / "alive"].problem == looks[tmp_path].problem == ""
