"""The documentation as text: links lead somewhere, examples are sound, the site builds."""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys

import pytest
import yaml

from helpers.doc_commands import PROGRAMS, SHELLS, blocks, links, pages

WIDEST = 100
OUTSIDE = ("http://", "https://", "mailto:")


def test_every_relative_link_and_image_exists(repo):
    broken = [
        f"{page.relative_to(repo)}: {target}"
        for page in [*pages(repo), repo / "CHANGELOG.md"]
        for target in links(page)
        if not target.startswith((*OUTSIDE, "#"))
        and not (page.parent / target.split("#")[0]).exists()
    ]
    assert broken == []


def test_every_file_that_a_page_names_exists(repo):
    place = re.compile(
        r"`((?:src|tests|workflow|benchmarks|experiments|envs|profiles|slurm|config)/[\w./-]+)`"
    )
    absent = [
        f"{page.relative_to(repo)}: {name}"
        for page in pages(repo)
        for name in place.findall(page.read_text(encoding="utf-8"))
        # partitions.yaml is what a site writes; the others moved from there.
        if name not in ("slurm/partitions.yaml", "config/studies/") and not (repo / name).exists()
    ]
    assert absent == []


def test_every_module_and_name_of_ours_exists(repo):
    absent = []
    for page in pages(repo):
        named = re.findall(r"(?:`|::: )(slidesieve(?:\.\w+)+)", page.read_text(encoding="utf-8"))
        for name in named:
            try:
                pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                absent.append(f"{page.relative_to(repo)}: {name}")
    assert absent == []


def test_no_line_is_too_wide(repo):
    wide = []
    for page in [*pages(repo), repo / "CHANGELOG.md"]:
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
            is_exempt = line.lstrip().startswith("|") or "http" in line
            if len(line) > WIDEST and not is_exempt:
                wide.append(f"{page.relative_to(repo)}:{number} has {len(line)} characters")
    assert wide == []


def test_commands_stand_in_blocks_that_say_so(repo):
    unlabelled = [
        f"{block.page}:{block.line} {line}"
        for page in pages(repo)
        for block in blocks(page, repo)
        if block.language not in SHELLS
        for line in block.lines
        if line.split(" ")[0] in PROGRAMS and block.language not in ("python", "yaml", "csv")
    ]
    assert unlabelled == [], "put ```bash before these"


def test_every_yaml_example_is_yaml(repo):
    for page in pages(repo):
        for block in blocks(page, repo):
            if block.language in ("yaml", "yml"):
                try:
                    found = yaml.safe_load(block.text)
                except yaml.YAMLError as error:
                    pytest.fail(f"{block.page}:{block.line} {error}")
                assert isinstance(found, dict), f"{block.page}:{block.line}"


@pytest.mark.slow
def test_the_site_builds_strictly(repo, tmp_path):
    """Broken links, anchors, pages out of the navigation and unknown API names are errors."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=repo,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outside = set()
    for page in (tmp_path / "site").rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        outside |= set(re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(https?:[^\"]+)", html))
    assert outside == set(), "a page fetches files from elsewhere"
