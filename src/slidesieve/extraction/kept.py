"""Finished features of a job that has not ended, out of the reach of Snakemake.

Snakemake deletes the outputs of a job before it starts and when it fails. A finished file therefore
waits in the folder `.kept` until its whole job is done; that folder is gone when all are.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_KEPT = ".kept"


def kept_path(out: Path) -> Path:
    """Where the features file `out` waits for its job to end."""
    return out.parent / _KEPT / out.name


def set_aside(out: Path) -> None:
    """Keep a file that Snakemake is about to delete; its job judges it by its content."""
    if not out.exists():
        return
    kept = kept_path(out)
    kept.parent.mkdir(exist_ok=True)
    kept.unlink(missing_ok=True)
    try:
        kept.hardlink_to(out)
    except OSError:  # this file system knows no second names
        out.rename(kept)


def put_into_place(out: Path) -> None:
    """Move a finished file to its place, as an output that is younger than its job's inputs."""
    kept = kept_path(out)
    os.utime(kept)
    # Renaming one name of a file to another name of it does nothing.
    out.unlink(missing_ok=True)
    kept.replace(out)
    with suppress(OSError):  # other jobs may still keep theirs
        kept.parent.rmdir()
