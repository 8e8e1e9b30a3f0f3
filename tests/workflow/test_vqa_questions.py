"""The table of questions in the workflow: made of its files, and made again when one changes."""

from __future__ import annotations

import csv
import json

import pytest

from helpers.runner import Study
from helpers.toy_cohort import write_sheet
from slidesieve.store.tables import read_csv
from slidesieve.vqa.table import read_questions

pytestmark = pytest.mark.slow

SIDES = {"A": "left", "B": "right"}


def write_bench(path, answer="A"):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ID", "Slide", "Question", "A", "B", "Answer"])
        writer.writerows(
            [[i, f"s{i}.svs", "Which side?", *SIDES.values(), answer] for i in range(4)]
        )


@pytest.fixture
def study(tmp_path) -> Study:
    made = Study(tmp_path)
    (tmp_path / "features").mkdir()
    rows = [{"slide_id": f"s{i}", "patient_id": f"P{i}", "label": "ab"[i % 2]} for i in range(6)]
    write_sheet(tmp_path / "labels.csv", rows)
    write_bench(tmp_path / "bench.csv")
    taught = [{"Id": f"P{i}", "Question": "Side?", "Answer": "left"} for i in (3, 4, 9)]
    (tmp_path / "train.json").write_text(json.dumps(taught))
    made.write_config(
        {
            "datasets": {
                "mine": {
                    "features": "features",
                    "labels": "labels.csv",
                    "classes": ["a", "b"],
                    "encoder": "any",
                    "folds": {"k": 2},
                }
            },
            "models": {"mean": {"aggregator": "mean"}},
            "evaluation": {"compare_to": "mean"},
            "vqa": {
                "questions": [
                    {"source": "slidebench", "path": "bench.csv", "part": "test"},
                    {"source": "wsi_vqa", "path": "train.json", "part": "train"},
                ]
            },
        }
    )
    return made


def test_questions_are_made_once_and_again_when_a_file_changes(study):
    assert study.snakemake("vqa").code == 0
    table = study.result("mine/vqa/questions.csv")
    assert [q.case_id for q in read_questions(table)] == ["P0", "P1", "P2", "P3", "P4"]
    found = read_csv(study.result("mine/vqa/findings.csv")).query("count > 0")
    assert sorted(zip(found["source"], found["check"], found["rows"], strict=True)) == [
        ("slidebench", "slide_is_a_path", "2;3;4;5"),
        ("wsi_vqa", "training_case_is_tested", "1"),
        ("wsi_vqa", "unknown_slide", "3"),
    ]
    learnt_from = study.result("mine/vqa/training_questions.sha256").read_text()

    write_bench(study.folder / "bench.csv", answer="B")
    assert study.snakemake("vqa").rules["vqa_questions"] == 1
    assert {q.answer_text for q in read_questions(table) if q.split == "test"} == {"right"}
    assert study.result("mine/vqa/training_questions.sha256").read_text() == learnt_from
