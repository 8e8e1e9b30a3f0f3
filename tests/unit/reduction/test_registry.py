"""The registry's facts are those of the classes it names, and cost no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slidesieve.errors import ConfigError
from slidesieve.reduction.registry import REDUCERS, build_reducer

NEEDED = {name: {"k": 4} for name in ("random", "uniform", "attention_topk")}


@pytest.mark.parametrize("name", REDUCERS)
def test_facts_are_true(name):
    entry = REDUCERS[name]
    reducer = build_reducer({"name": name, **NEEDED.get(name, {})}, 8)
    assert entry.soft_path == hasattr(reducer, "soft")
    assert entry.needs_teacher == (reducer.teacher is not None)
    learns = any(parameter.requires_grad for parameter in reducer.parameters())
    assert entry.learned == (learns or entry.needs_teacher)


def test_the_registry_needs_no_torch():
    code = (
        "import sys, slidesieve.aggregators.registry, slidesieve.reduction.registry\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("spec", [3, {"k": 3}, None, {"name": 3}])
def test_a_spec_is_a_name_or_has_one(spec):
    with pytest.raises(ConfigError, match="reducer: expected a name or"):
        build_reducer(spec, 8)
