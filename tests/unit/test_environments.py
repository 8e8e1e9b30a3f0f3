"""Conda environments and the container install what pyproject.toml says, and no other thing."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

import pytest
import yaml

# Which packages a rule's own imports come from, where the names differ.
DISTRIBUTION_OF = {
    "cv2": "opencv-python-headless",
    "openslide": "openslide-python",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
# Come with others: with scikit-learn, huggingface_hub and h5py.
INCLUDED = {"threadpoolctl", "httpx", "packaging"}
# An extra: the code says what to install where it is wanted and absent.
OPTIONAL = {"zarr", "transformers", "peft", "accelerate"}
# Only the process that plans the rules has these.
PLANNING = {
    "snakemake",
    "snakemake_interface_logger_plugins",
    "snakemake_logger_plugin_slidesieve",
}


@pytest.fixture(scope="module")
def project(repo):
    return tomllib.loads((repo / "pyproject.toml").read_text())["project"]


def name_of(requirement):
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0]


def read_environment(repo, name):
    dependencies = yaml.safe_load((repo / "envs" / f"{name}.yaml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return [entry for entry in dependencies if isinstance(entry, str)], pip


@pytest.mark.parametrize(("name", "extra"), [("models", ()), ("slides", ()), ("vqa", ("vqa",))])
def test_an_environment_pins_as_the_project_does(repo, project, name, extra):
    conda, pip = read_environment(repo, name)
    requirements = [*project["dependencies"]]
    requirements += [r for key in extra for r in project["optional-dependencies"][key]]
    pinned = {name_of(requirement): requirement for requirement in requirements}
    for requirement in pip:
        assert requirement == pinned[name_of(requirement)]
    assert pip == sorted(pip)
    python = next(entry for entry in conda if entry.startswith("python"))
    assert project["requires-python"] in python.replace(" ", "")


def test_the_environment_of_the_models_holds_all_that_the_package_imports(repo):
    imported = set()
    for path in (repo / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
    needed = (
        imported - set(sys.stdlib_module_names) - {"slidesieve"} - INCLUDED - PLANNING - OPTIONAL
    )
    _, pip = read_environment(repo, "models")
    installed = {name_of(requirement) for requirement in pip}
    assert {DISTRIBUTION_OF.get(module, module) for module in needed} <= installed


def test_every_rule_names_an_environment_that_exists(repo):
    rules = [path.read_text() for path in (repo / "workflow" / "rules").glob("*.smk")]
    constants = dict(re.findall(r'^(\w+_ENV) = .*"(\w+)\.yaml"', "\n".join(rules), re.MULTILINE))
    named = {constants[name] for text in rules for name in re.findall(r"^ +(\w+_ENV)$", text, re.M)}
    assert all(text.count("script:") == len(re.findall(r"^ +conda:", text, re.M)) for text in rules)
    assert named == {path.stem for path in (repo / "envs").glob("*.yaml")}


def test_the_container_installs_the_project_itself(repo):
    """No pin is written a second time there: pip reads them from pyproject.toml."""
    recipe = (repo / "envs" / "slidesieve.def").read_text()
    copied = re.search(r"^%files\n((?: {4}.*\n)+)", recipe, re.MULTILINE)[1].split("\n")
    sources = {line.split()[0] for line in copied if line.strip()}
    assert {"pyproject.toml", "src", "Snakefile", "workflow"} <= sources
    assert all((repo / source).exists() for source in sources)
    installs = re.findall(r"pip install (.+)", recipe)
    assert [line.split()[-1] for line in installs] == ['"/opt/slidesieve[workflow]"']
    base = re.search(r"^From: python:(\d+)\.(\d+)-slim", recipe, re.MULTILINE)
    assert (int(base[1]), int(base[2])) >= (3, 11)
