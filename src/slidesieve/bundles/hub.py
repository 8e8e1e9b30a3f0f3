"""Bundles on the Hugging Face hub, or on whatever hub HF_ENDPOINT names.

The token is read by huggingface_hub itself; it is never an argument here and reaches no log.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import httpx
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from slidesieve.errors import ConfigError, ContractError
from slidesieve.inference.fits import load_fits
from slidesieve.models.bundle import (
    BUNDLE_FILE,
    CARD_FILE,
    CONTENT_FILE,
    FIT_FILES,
    METRICS_FILE,
    is_bundle,
    read_bundle,
)

# Nothing else of a repository is fetched or sent.
_FILES = (
    *(BUNDLE_FILE, METRICS_FILE, CONTENT_FILE, CARD_FILE),
    *(f"{fit}/{file}" for fit in ("fold_*", "final") for file in FIT_FILES),
)
_ERRORS = (HfHubHTTPError, HFValidationError, httpx.HTTPError, OSError, ValueError)


def push_bundle(folder: Path, repository: str, private: bool = False) -> str:
    """Send a bundle to a repository, which is made if it is not there.

    Args:
        folder: The bundle; it is checked before.
        repository: owner/name.
        private: Whether a new repository is private.

    Returns:
        The page of the repository.

    Raises:
        ConfigError: The hub refuses.
        ContractError: The folder is no sound bundle.
    """
    bundle = read_bundle(folder)
    load_fits(folder)
    _keep_addresses_out_of_logs()
    hub = HfApi()
    try:
        hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=list(_FILES),
            commit_message=f"{bundle.model} of {bundle.dataset}",
        )
    except _ERRORS as error:
        raise ConfigError([_refusal(error, repository, "write")]) from error
    return f"{constants.ENDPOINT}/{repository}"


def pull_bundle(repository: str, folder: Path, revision: str | None = None) -> str:
    """Fetch a bundle from a repository; it appears in its place only when it is whole and sound.

    Args:
        repository: owner/name.
        folder: Where to put it; must not exist, or be a bundle that is then replaced.
        revision: Commit, tag or branch; None is the newest.

    Returns:
        The commit.

    Raises:
        ConfigError: The hub refuses, or the folder holds something else.
        ContractError: The repository holds no sound bundle.
    """
    if folder.exists() and not is_bundle(folder):
        raise ConfigError([f"{folder} exists and is no bundle; choose another folder"])
    _keep_addresses_out_of_logs()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        try:
            commit = HfApi().model_info(repository, revision=revision).sha
            found = snapshot_download(
                repository, revision=commit, local_dir=scratch, allow_patterns=list(_FILES)
            )
        except _ERRORS as error:
            raise ConfigError([_refusal(error, repository, "read")]) from error
        _check_arrival(Path(found), repository)
        shutil.rmtree(Path(found) / ".cache", ignore_errors=True)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(found, folder)
    return str(commit)


def _check_arrival(found: Path, repository: str) -> None:
    try:
        load_fits(found)
    except ContractError as error:
        said = str(error).replace(f"{found}/", "").replace(str(found), "the repository")
        raise ContractError(f"{repository}: {said}") from error


def _keep_addresses_out_of_logs() -> None:
    # Addresses of redirected transfers carry signatures, which logs need not keep.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _refusal(error: Exception, repository: str, right: str) -> str:
    """Say why the hub did not do as asked, and what to do."""
    page = f"{constants.ENDPOINT}/{repository}"
    match error:
        case GatedRepoError():
            return f"{repository} is gated: ask for access at {page} and set HF_TOKEN"
        case RevisionNotFoundError():
            return f"{repository} has no such revision: take a commit of {page}/commits/main"
        case RepositoryNotFoundError():
            return (
                f"{repository} does not exist, or HF_TOKEN may not {right} it: check the name and "
                f"your token at {page}"
            )
        case HFValidationError():
            return f"{repository} is no name of a repository: write owner/name"
        case LocalEntryNotFoundError():
            return f"{repository}: the hub is out of reach (offline, or HF_HUB_OFFLINE is set)"
    said = str(error).splitlines()
    return (
        f"{repository}: the hub did not {right} it ({type(error).__name__}: "
        f"{said[0] if said else ''}); a token with the right to {right} goes into HF_TOKEN"
    )
