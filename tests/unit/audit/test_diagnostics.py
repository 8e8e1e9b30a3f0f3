"""The audit of a selector must be of the model in use."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from slidesieve.audit.diagnostics import selector_problems
from slidesieve.store.tables import write_csv

DATASET = SimpleNamespace(classes=("a", "b"))


@pytest.fixture
def in_use() -> pd.DataFrame:
    return pd.DataFrame(
        {"slide_id": ["s0", "s1"], "fold": [0, 1], "prob_a": [0.2, 0.7], "prob_b": [0.8, 0.3]}
    )


def problems(folder, hard: pd.DataFrame, in_use: pd.DataFrame) -> list[str]:
    soft = hard.assign(path="soft", draw=3, prob_a=0.5, prob_b=0.5)
    table = pd.concat([soft, hard.assign(path="hard", draw=0)])
    write_csv(folder / "predictions.csv", table)
    return list(selector_problems(folder / "predictions.csv", DATASET, in_use))


def test_a_hard_path_that_is_the_model_in_use_passes(tmp_path, in_use):
    assert problems(tmp_path, in_use.iloc[::-1], in_use) == []


def test_another_models_audit_is_found_out(tmp_path, in_use):
    other = in_use.assign(prob_a=[0.2, 0.6], prob_b=[0.8, 0.4])
    found = problems(tmp_path, other, in_use)
    assert found == ["the hard path of slide s1 is not what the model predicts"]
    missing = problems(tmp_path, in_use[:1], in_use)
    assert missing == ["does not hold the slides that the model predicts"]
