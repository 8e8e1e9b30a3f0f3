"""`slidesieve doctor`: will this machine do?"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from slidesieve.encoders.card import EncoderCard
from slidesieve.encoders.cards import CARDS

_MIN_FREE_GB = 10


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        level: "ok", "note" (works without) or "fault" (does not work).
        text: What was found and, unless ok, what to do.
    """

    level: str
    text: str


def run(options: argparse.Namespace) -> int:
    """Print the diagnosis; 1 if there is a fault."""
    findings = [
        *_packages(),
        *_openslide(),
        *_readers(),
        *_gpu(),
        *_gated_access(),
        *_disk(options.results),
    ]
    for finding in findings:
        print(f"{finding.level:>5}  {finding.text}")
    return int(any(finding.level == "fault" for finding in findings))


def _packages() -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()} on {platform.platform()}")
    for line in requires("slidesieve") or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield Finding("fault", f"{requirement.name} is not installed; run `make install`")
            continue
        if requirement.specifier.contains(installed, prereleases=True):
            yield Finding("ok", f"{requirement.name} {installed}")
        else:
            wanted = str(requirement.specifier)
            yield Finding("fault", f"{requirement.name} {installed}, but {wanted} is needed")


def _openslide() -> Iterator[Finding]:
    try:
        openslide = import_module("openslide")
    except (ImportError, OSError) as error:
        yield Finding("fault", f"OpenSlide cannot be loaded ({error}); install openslide-bin")
        return
    yield Finding("ok", f"OpenSlide library {openslide.__library_version__}")


def _readers() -> Iterator[Finding]:
    """Each reader of slides, what it reads and, where its package is absent, how to get it."""
    readers = import_module("slidesieve.slide.registry").READERS
    for name, entry in readers.items():
        if entry.is_available:
            yield Finding("ok", f"reader {name}: {entry.formats}")
        else:
            wanted = f"needs {entry.needs}: pip install 'slidesieve[formats]'"
            yield Finding("note", f"reader {name} ({entry.formats}) {wanted}")


def _gpu() -> Iterator[Finding]:
    try:
        torch = import_module("torch")
        import_module("slidesieve.encoders.torchvision_compat").import_torchvision()
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding("fault", f"torch or torchvision cannot be loaded ({error})")
        return
    if not torch.cuda.is_available():
        yield Finding("note", "no CUDA GPU; everything runs on the CPU")
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield Finding(
            "ok", f"GPU {index}: {properties.name}, {properties.total_memory / 2**30:.0f} GiB"
        )


def _gated_access() -> Iterator[Finding]:
    hub = import_module("huggingface_hub")
    gated = [card for card in CARDS.values() if card.gated]
    if not hub.get_token():
        names = ", ".join(card.name for card in gated)
        yield Finding(
            "note",
            f"no Hugging Face token (`hf auth login`, or HF_TOKEN), which these need: {names}",
        )
        return
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        yield Finding("note", "HF_HUB_OFFLINE=1: only weights already in the cache can be used")
        return
    with ThreadPoolExecutor(len(gated)) as pool:
        yield from pool.map(_access, gated)


def _access(card: EncoderCard) -> Finding:
    """Ask the hub whether the user's token opens a repository."""
    hub = import_module("huggingface_hub")
    errors = import_module("huggingface_hub.errors")
    httpx = import_module("httpx")
    page = f"{hub.constants.ENDPOINT}/{card.hub_id}"
    try:
        hub.auth_check(card.hub_id)
    except errors.GatedRepoError:
        return Finding("note", f"{card.name}: no access yet; request it at {page}")
    except errors.RepositoryNotFoundError:
        return Finding("note", f"{card.name}: the hub does not know this token, or not {page}")
    except (errors.HfHubHTTPError, httpx.HTTPError, OSError) as error:
        return Finding("note", f"{card.name}: could not ask the hub ({type(error).__name__})")
    return Finding("ok", f"{card.name}: access granted")


def _disk(results: Path) -> Iterator[Finding]:
    folder = next(path for path in (results, *results.resolve().parents) if path.is_dir())
    free_gb = shutil.disk_usage(folder).free / 1e9
    if not os.access(folder, os.W_OK):
        yield Finding("fault", f"{folder} cannot be written to")
    elif free_gb < _MIN_FREE_GB:
        yield Finding("note", f"only {free_gb:.1f} GB free at {folder}")
    else:
        yield Finding("ok", f"{free_gb:.0f} GB free at {folder}")
