"""Files from the Hugging Face hub: pinned, checked, cached, and with words when they cannot be had.

The token is read by huggingface_hub itself, from HF_TOKEN or from where `hf auth login` put it; it
is never an argument here, and so reaches no log and no process list.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from huggingface_hub import constants, get_token, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from slidesieve.encoders.checksum import sha256_of
from slidesieve.errors import ConfigError

log = logging.getLogger(__name__)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository, on this machine.

    Attributes:
        path: Where it lies.
        repository: owner/name.
        commit: Of the repository, whatever branch was asked for.
    """

    path: Path
    repository: str
    commit: str

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        return f"{self.repository}@{self.commit}/{self.path.name}"


def fetch(repository: str, filenames: Sequence[str], revision: str | None, name: str) -> HubFile:
    """Get the first of several files that a repository holds, from the cache if it is there.

    An interrupted transfer is taken up where it broke off; a file becomes visible only when it is
    whole, and large ones only with the checksum that the hub states.

    Args:
        repository: owner/name.
        filenames: Names of the file, the preferred one first.
        revision: Commit, tag or branch; None is the newest.
        name: The encoder, for messages.

    Raises:
        ConfigError: It cannot be had; with what to do.
    """
    # Addresses of redirected downloads carry signatures, which logs need not keep.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    out_of_reach = None
    for filename in filenames:
        try:
            path = Path(hf_hub_download(repository, filename, revision=revision))
        except LocalEntryNotFoundError as error:
            out_of_reach = error  # the cache may hold it under another of the names
            continue
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError, ValueError, httpx.HTTPError) as error:
            raise ConfigError([_refusal(error, repository, revision, name)]) from error
        _check_stated_sha256(path, repository, name)
        found = HubFile(path, repository, _commit_of(path))
        log.info("encoder %s: %s", name, found.source)
        return found
    if out_of_reach is not None:
        raise ConfigError([_refusal(out_of_reach, repository, revision, name)]) from out_of_reach
    raise ConfigError(
        [
            f"encoder {name}: {repository}@{revision or 'main'} holds none of "
            f"{', '.join(filenames)}; set `revision`, or give `weights:` a local file"
        ]
    )


def _refusal(error: Exception, repository: str, revision: str | None, name: str) -> str:
    """Say why a file could not be had and what to do."""
    page = f"{constants.ENDPOINT}/{repository}"
    local = "or give `weights:` the path of a local file or folder"
    match error:
        case GatedRepoError() if not get_token():
            why = (
                f"is gated and no token is set: request access at {page}, create a read token "
                "under Settings of your account there and set it as HF_TOKEN (or run "
                f"`hf auth login`), {local}"
            )
        case GatedRepoError():
            why = (
                f"is gated and your account has no access: request it at {page} and wait for "
                "approval; HF_TOKEN must be a token of that account that may read gated "
                f"repositories, {local}"
            )
        case RepositoryNotFoundError():
            why = (
                f"does not exist, or is private or gated and HF_TOKEN is not set or not valid: "
                f"check the name and your access at {page}, {local}"
            )
        case RevisionNotFoundError():
            why = f"has no revision {revision}: take one of the commits at {page}/commits/main"
        case LocalEntryNotFoundError():
            why = (
                f"is not in the cache {constants.HF_HUB_CACHE} and the hub is out of reach "
                "(offline, or HF_HUB_OFFLINE is set): run once with a connection on a machine "
                f"that shares the cache, set HF_HOME to a folder that has it, {local}"
            )
        case _:
            said = str(error).splitlines()
            why = (
                f"could not be downloaded ({type(error).__name__}: {said[0] if said else ''}): "
                f"run again, {local}"
            )
    return f"encoder {name}: {repository} {why}"


def _check_stated_sha256(path: Path, repository: str, name: str) -> None:
    """Compare a large file with the checksum the hub stated for it, which names it in the cache."""
    stated = path.readlink().name if path.is_symlink() else ""
    if not _SHA256.fullmatch(stated):
        return  # a small file, named by git's hash
    found = sha256_of(path)
    if found == stated:
        return
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise ConfigError(
        [
            f"encoder {name}: {path.name} of {repository} arrived damaged (its sha256 is {found}, "
            f"not {stated}) and was removed: run again"
        ]
    )


def _commit_of(path: Path) -> str:
    """Take the commit from a path in the cache, …/snapshots/<commit>/<file>."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1]
