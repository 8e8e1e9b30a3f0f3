"""Places of a config file that YAML reads otherwise than a person does."""

from __future__ import annotations

import pytest

from slidesieve.config.layers import read_layers
from slidesieve.config.yaml_traps import yaml_traps
from slidesieve.errors import ConfigError


@pytest.fixture
def written(tmp_path):
    def write(text: str):
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("looks", "is_read_as"),
    [("0_5", 5), ("1_000", 1000), ("1:30", 90), ("010", 8), ("0b11", 3), ("1_0.5", 10.5)],
)
def test_a_number_in_disguise_is_named_with_its_line(written, looks, is_read_as):
    file = written(f"training:\n  epochs: 3\n  deep: [{{x: {looks}}}]\n")
    (problem,) = yaml_traps([file])
    assert problem.startswith(f"{file}, line 3: {looks} is read as {is_read_as};")
    with pytest.raises(ConfigError, match=f"line 3: {looks}"):
        read_layers([file])


@pytest.mark.parametrize(
    "plain",
    ["0", "-12", "0.5", ".5", "1.", "1.5e-3", "0x1F", ".inf", "'0_5'", '"010"', "a_1", "1e-3", "~"],
)
def test_plain_numbers_and_texts_pass(written, plain):
    assert yaml_traps([written(f"key: {plain}\n")]) == []


def test_an_alias_is_told_once_and_broken_files_are_left_to_their_reader(written, tmp_path):
    assert len(yaml_traps([written("a: &x {b: 0_5}\nc: *x\n")])) == 1
    assert yaml_traps([written("a: [\n"), tmp_path / "absent.yaml"]) == []


def test_a_key_written_twice_is_named_with_both_lines(written):
    file = written("datasets:\n  a: {x: 1}\nmodels: {}\ndatasets:\n  b: {x: 1, x: 2}\n")
    assert yaml_traps([file]) == [
        f"{file}, line 4: key 'datasets' stands in line 1 as well; join them",
        f"{file}, line 5: key 'x' stands in line 5 as well; join them",
    ]
