"""A model that answers questions in the workflow: trained once, asked again."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.runner import Study
from helpers.token_factory import features_of
from helpers.toy_cohort import write_sheet
from helpers.vqa_questions import closed
from slidesieve.store.features import write_features
from slidesieve.store.tables import read_csv
from slidesieve.vqa.table import write_questions

pytest.importorskip("transformers", reason="transformers is not installed: pip install '.[dev]'")
pytestmark = pytest.mark.slow

TRAIN, TEST = range(4), range(4, 8)


def write_table(path, wording="Which side?"):
    asked = [
        closed(i, "AB"[i % 2], split="train" if i in TRAIN else "test", slide_ids=(f"s{i}",))
        for i in (*TRAIN, *TEST)
    ]
    asked[-1] = closed(7, "B", question=wording, slide_ids=("s7",))
    write_questions(path, asked)


@pytest.fixture
def study(tmp_path) -> Study:
    made = Study(tmp_path)
    for i in (*TRAIN, *TEST):
        write_features(tmp_path / "features" / f"s{i}.h5", features_of(40, i))
    rows = [{"slide_id": f"s{i}", "patient_id": f"P{i}", "label": "ab"[i % 2]} for i in range(8)]
    write_sheet(tmp_path / "labels.csv", rows)
    write_table(tmp_path / "questions.csv")
    made.write_config(
        {
            "datasets": {
                "mine": {
                    "features": "features",
                    "labels": "labels.csv",
                    "classes": ["a", "b"],
                    "encoder": "toy",
                    "folds": {"k": 2},
                }
            },
            "models": {"mean": {"aggregator": "mean"}},
            "evaluation": {"compare_to": "mean"},
            "vqa": {
                "questions": [{"source": "table", "path": "questions.csv"}],
                "languages": {
                    "tiny": {"build": {"layers": 1, "width": 16, "heads": 1, "steps": 1}}
                },
                "models": {
                    "sieve": {
                        "language": "tiny",
                        "reducer": {"name": "sparselearn", "k": 5},
                        "adapt": "full",
                    }
                },
                "stages": [{"train": ["connector", "language"], "steps": 2}],
                "answer": {"say": "text"},
                "score": {"method": "option"},
            },
        }
    )
    return made


def test_a_changed_test_question_is_asked_again_and_nothing_is_trained(study):
    first = study.snakemake("vqa")
    assert first.code == 0
    assert first.rules["vqa_train"] == 1
    answers = read_csv(study.result("mine/vqa/toy/sieve/answers.csv"))
    assert set(answers["path"]) == {"own", "blind_none", "blind_donor", "random", "soft"}
    assert (answers.groupby("path").size() == len(TEST)).all()
    own = answers[answers["path"] == "own"]
    assert np.allclose(own["p_a"] + own["p_b"], 1, atol=1e-6)
    assert (own["tokens_kept"] == 5).all()
    scores = read_csv(study.result("mine/vqa/scores.csv"))
    assert {"sieve", "chance"} <= set(scores["model"])
    looked_at = read_csv(study.result("mine/vqa/toy/sieve/looked_at.csv"))
    assert (looked_at.groupby("question_id").size() == 5).all()
    for page in ("scores.html", "toy/scores.png", "toy/sieve/answers.html"):
        assert study.result(f"mine/vqa/{page}").stat().st_size > 1000

    # A run plans training before it knows what the new table holds: the table comes first.
    write_table(study.folder / "questions.csv", wording="On which side?")
    assert study.snakemake("results/mine/vqa/questions.csv").code == 0
    again = study.snakemake("vqa")
    assert again.code == 0
    assert (again.rules["vqa_train"], again.rules["vqa_answers"]) == (0, 1)
