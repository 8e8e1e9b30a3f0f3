"""The library that zooms is the very file that was tested, or it is not used."""

from __future__ import annotations

import io
import sys
import tarfile

import pytest

from slidesieve.errors import SlideSieveError
from slidesieve.viewer import library

INFO = "Metadata-Version: 2.1\nName: openslide-python\nVersion: 1.4.7\n"
BACKEND = f"""
from pathlib import Path

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = Path(folder, "openslide_python-1.4.7.dist-info")
    info.mkdir()
    (info / "METADATA").write_text({INFO!r})
    return info.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An environment without the library."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    return tmp_path


def test_a_missing_library_is_named_with_the_command_that_gets_it(elsewhere):
    assert not library.is_installed()
    with pytest.raises(SlideSieveError, match="slidesieve view --install"):
        library.read_script()


def test_a_changed_library_is_not_served(elsewhere):
    library.script_path().parent.mkdir(parents=True)
    library.script_path().write_text("alert(1)")
    with pytest.raises(SlideSieveError, match="not installed"):
        library.read_script()


def test_an_archive_with_another_file_is_refused(elsewhere, monkeypatch):
    """pip gets a source archive from a folder, as it does from an index."""
    content = {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND,
        "PKG-INFO": INFO,
        "examples/deepzoom/static/openseadragon.js": "alert(1)",
        "examples/deepzoom/licenses/LICENSE.openseadragon": "BSD",
    }
    with tarfile.open(elsewhere / "openslide_python-1.4.7.tar.gz", "w:gz") as archive:
        for name, text in content.items():
            member = tarfile.TarInfo(f"openslide_python-1.4.7/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    with pytest.raises(SlideSieveError, match="another OpenSeadragon"):
        library.install()
    assert not library.script_path().exists()


def test_without_an_index_the_failure_is_told(elsewhere, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    with pytest.raises(SlideSieveError, match="cannot fetch"):
        library.install()
