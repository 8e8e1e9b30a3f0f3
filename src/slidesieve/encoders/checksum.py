"""Checksums of files of weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slidesieve.errors import ConfigError


def sha256_of(path: Path) -> str:
    """Hash the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, wanted: str, name: str) -> None:
    """See that a file is the one that was meant.

    Args:
        path: The file.
        wanted: 64 hexadecimal digits.
        name: The encoder, for messages.

    Raises:
        ConfigError: It is another one.
    """
    found = sha256_of(path)
    if found != wanted.lower():
        raise ConfigError(
            [
                f"encoder {name}: the weights {path} have the sha256 {found}, but {wanted} is "
                "wanted; get the file again, or correct `sha256`"
            ]
        )
