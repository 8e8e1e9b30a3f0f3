"""`import slidesieve` is cheap, and its public names are the functions of the rooms."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import slidesieve

HEAVY = ("torch", "cv2", "pandas", "numpy", "h5py", "timm", "sklearn", "snakemake", "openslide")


def test_nothing_heavy_is_imported_with_the_package():
    code = f"import sys, slidesieve; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", slidesieve.__all__)
def test_a_public_name_is_what_its_room_calls_so(name):
    value = getattr(slidesieve, name)
    assert value.__name__ == name
    assert getattr(sys.modules[value.__module__], name) is value


def test_names_are_listed_before_they_are_imported():
    code = "import slidesieve; print(set(slidesieve.__all__) <= set(dir(slidesieve)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_type_checkers_see_the_names_where_they_are_imported_from(repo):
    tree = ast.parse((repo / "src/slidesieve/__init__.py").read_text())
    told = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert told == {name: f"slidesieve.{module}" for name, module in slidesieve._MODULES.items()}
    assert sorted(told) == sorted(slidesieve.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'lod_encoder'"):
        _ = slidesieve.lod_encoder
