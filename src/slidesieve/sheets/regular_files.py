"""Files that end: a pipe or a dead network folder as input would hang a run without a word."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# A network folder that answers at all answers within this time.
PATIENCE_S = 30.0

_KINDS = {
    stat.S_IFIFO: "it is a named pipe, not a file",
    stat.S_IFSOCK: "it is a socket, not a file",
    stat.S_IFCHR: "it is a device, not a file",
    stat.S_IFBLK: "it is a device, not a file",
}


@dataclass(frozen=True)
class FileFacts:
    """The outcome of one look at a path.

    Attributes:
        identity: The same for all names of one file: links, hard links, other spellings. Where
            there is no file, its path without dots.
        problem: Why the path must not be opened; "" for files, folders and where there is nothing.
    """

    identity: tuple[object, ...]
    problem: str = ""


def look_at(paths: Iterable[Path], patience_s: float = PATIENCE_S) -> dict[Path, FileFacts]:
    """Look at paths without opening them.

    Args:
        paths: Any paths.
        patience_s: Longest time to wait for one answer of the file system, in seconds.
    """
    found: dict[Path, FileFacts] = {}
    left = list(dict.fromkeys(paths))
    while left:
        hung = _look_until_one_hangs(left, found, patience_s)
        if hung is not None:
            found |= {path: _silent(path, patience_s) for path in _neighbours(hung, left)}
        left = [path for path in left if path not in found]
    return found


def irregularity(path: Path, patience_s: float = PATIENCE_S) -> str:
    """Say why a path must not be opened; "" for files, folders and where there is nothing."""
    return look_at([path], patience_s)[path].problem


def _look_until_one_hangs(
    paths: list[Path], found: dict[Path, FileFacts], patience_s: float
) -> Path | None:
    """Fill in `found`; a call that hangs in the kernel cannot be ended, only left behind."""
    answers: list[FileFacts] = []
    answered = threading.Event()

    def look() -> None:
        for path in paths:
            answers.append(_facts(path))
            answered.set()

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    while len(answers) < len(paths):
        answered.clear()
        before = len(answers)
        if not answered.wait(patience_s) and len(answers) == before:
            break
    n_answers = len(answers)
    found |= dict(zip(paths, answers[:n_answers], strict=False))
    return None if n_answers == len(paths) else paths[n_answers]


def _neighbours(hung: Path, paths: Iterable[Path]) -> Iterator[Path]:
    """Paths of the folder that hangs, which need not be waited for one by one."""
    yield from (path for path in paths if path.parent == hung.parent)


def _silent(path: Path, patience_s: float) -> FileFacts:
    return FileFacts(_spelling(path), f"its file system gives no answer for {patience_s:g} s")


def _facts(path: Path) -> FileFacts:
    try:
        found = path.stat()
    except (OSError, ValueError):  # whoever opens it says what is wrong
        return FileFacts(_spelling(path))
    # Some network file systems number no files.
    identity = (found.st_dev, found.st_ino) if found.st_ino else (path.resolve(),)
    return FileFacts(identity, _KINDS.get(stat.S_IFMT(found.st_mode), ""))


def _spelling(path: Path) -> tuple[object, ...]:
    return (os.path.normpath(path.absolute()),)
