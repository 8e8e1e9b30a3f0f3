"""What a config may say to DTC-WSI and what it is told."""

from __future__ import annotations

import dataclasses
import logging
import re
import subprocess
import sys

import pytest

from helpers import parts
from helpers.dtc_choices import CHOICES
from slidesieve.errors import ConfigError
from slidesieve.reduction.dtc import degenerate_terms as degenerate_terms_module
from slidesieve.reduction.dtc.degenerate_terms import degenerate_terms
from slidesieve.reduction.dtc.reducer import DTC
from slidesieve.reduction.dtc.settings import DTCSettings
from slidesieve.reduction.registry import build_reducer


def test_a_config_chooses_a_preset_and_overrides_it():
    reducer = build_reducer({"name": "dtc", "preset": "as_written", "retention": 0.7}, dim=8)
    assert isinstance(reducer, DTC)
    assert reducer.settings.retention == 0.7
    assert reducer.settings.sparsity == "l1_softmax"


def test_the_name_alone_is_the_default():
    assert build_reducer("dtc", dim=8).settings == DTCSettings()


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"retnetion": 0.4}, "unknown key 'retnetion'; did you mean 'retention'? allowed: "),
        ({"retention": "0.4"}, "retention: '0.4' must be a number above 0 and at most 1"),
        ({"retention": 0}, "retention: 0 must be a number above 0"),
        ({"stage_ratios": [0.5, 1.5]}, "stage_ratios.1: 1.5 must be a number above 0"),
        ({"stage_ratios": []}, "stage_ratios: needs at least 1"),
        ({"matching": "best"}, "'best' is not allowed; allowed: aligned, window, tome, random"),
        ({"stages": 0}, "stages: 0 must be a whole number of at least 1"),
        ({"merge_fraction": 1.2}, "merge_fraction: 1.2"),
        ({"gate_steepness": -1.0}, "gate_steepness: -1.0"),
        ({"preset": "paper"}, "preset: 'paper' is not allowed; allowed: default, as_written"),
        ({"gate_input": "none", "sparsity": "gate_l1"}, "sparsity is gate_l1, which needs a gate"),
        ({"merge_fraction": 0.0, "guided_share": 0.0}, "without merging, a gate or guidance"),
    ],
)
def test_mistakes_are_named(switches, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_reducer({"name": "dtc", **switches}, dim=8)


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_has_its_own_check(name):
    for value in CHOICES[name]:
        switches = {"gate_input": "relative", name: value}
        assert getattr(parts.dtc(8, **switches).settings, name) == value
    with pytest.raises(ConfigError, match=name):
        parts.dtc(8, **{name: "nonsense"})


def test_as_written_warns_once_of_each_degenerate_term(caplog):
    degenerate_terms_module._warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        parts.dtc(8, preset="as_written")
        parts.dtc(8, preset="as_written")
    sections = [re.search(r"section (\S+)\)", message)[1] for message in caplog.messages]
    assert sections == ["3.2", "3.5", "3.6", "3.7", "3.9"]


def test_the_default_warns_of_nothing():
    assert degenerate_terms(DTCSettings()) == {}


def test_every_section_a_warning_or_docstring_names_is_in_the_docs(repo):
    text = (repo / "docs/explanation/dtc-wsi.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^#+ (\d+(?:\.\d+)?)\b", text, flags=re.MULTILINE))
    as_written = DTCSettings(preset="as_written")
    everything = dataclasses.replace(as_written, pair_budget="all")
    named = set(degenerate_terms(everything)) | set(degenerate_terms(as_written))
    package = repo / "src" / "slidesieve" / "reduction" / "dtc"
    for path in package.glob("*.py"):
        named |= set(re.findall(r"\(section (\d\.\d+)\)", path.read_text(encoding="utf-8")))
    assert len(named) > 10
    assert named <= headings


def test_every_switch_is_in_the_docs(repo):
    text = (repo / "docs/explanation/dtc-wsi.md").read_text(encoding="utf-8")
    names = [field.name for field in dataclasses.fields(DTCSettings)]
    missing = [name for name in names if f"`{name}" not in text]
    assert missing == []


def test_settings_and_budgets_need_no_torch():
    code = (
        "import sys, slidesieve.reduction.dtc.settings, slidesieve.reduction.dtc.budget\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_as_written_trains_as_the_paper_says():
    written = DTCSettings(preset="as_written")
    assert (written.guided_share, written.guidance_weight) == (0, 0)
    assert (written.compression_start, written.compression_end) == (0, 0)
    assert not written.train_hard_prune


def test_a_retention_that_is_under_way_goes_through_equal_factors():
    half_way = DTCSettings(retention=0.25).at(0.5)
    assert half_way.retention == 0.5
    assert DTCSettings(stage_ratios=[0.25, 1.0]).at(0.5).stage_ratios == (0.5, 1.0)
    assert DTCSettings().at(1) == DTCSettings()
