"""Where the files of an encoder come from: a local path, or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slidesieve.encoders.hub import fetch
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.errors import ConfigError


@dataclass(frozen=True)
class Located:
    """A file and where it comes from, in words."""

    path: Path
    source: str


def locate_weights(
    spec: EncoderSpec, repository: str, filenames: Sequence[str], revision: str | None
) -> Located:
    """Find the weights of an encoder.

    Args:
        spec: The config entry; its `weights` (a file or a folder) and `revision` come first.
        repository: owner/name on the hub.
        filenames: Names that the weights may have there, the preferred one first.
        revision: Commit unless the entry names one; None is the newest.

    Raises:
        ConfigError: They cannot be had.
    """
    if spec.weights is not None and not spec.weights.is_dir():
        return Located(spec.weights, f"file {spec.weights.name}")
    return _locate(spec, spec.weights, repository, filenames, revision)


def locate_config(spec: EncoderSpec, repository: str, revision: str | None) -> Located:
    """Find the config.json that goes with the weights: beside them, or on the hub.

    Raises:
        ConfigError: It cannot be had.
    """
    folder = spec.weights
    if folder is not None and not folder.is_dir():
        folder = folder.parent
        if not (folder / "config.json").exists():
            folder = None
    return _locate(spec, folder, repository, ["config.json"], revision)


def _locate(
    spec: EncoderSpec,
    folder: Path | None,
    repository: str,
    filenames: Sequence[str],
    revision: str | None,
) -> Located:
    if folder is None:
        found = fetch(repository, filenames, spec.revision or revision, spec.name)
        return Located(found.path, found.source)
    for filename in filenames:
        if (folder / filename).exists():
            return Located(folder / filename, f"file {folder.name}/{filename}")
    raise ConfigError(
        [f"encoder {spec.name}: the folder {folder} holds no {' or '.join(filenames)}"]
    )
