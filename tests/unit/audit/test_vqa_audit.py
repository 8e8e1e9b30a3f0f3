"""The audit makes questions and scores anew and finds every file that differs."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from helpers.small_study import SLIDES, small_dataset, small_sheet, small_study
from helpers.vqa_questions import answer
from slidesieve.audit.vqa import audit_questions
from slidesieve.plan import layout
from slidesieve.plan.params import slide_patients
from slidesieve.stages import STAGES
from slidesieve.store.atomic import write_json
from slidesieve.store.tables import write_csv
from slidesieve.vqa.answers_table import read_answers, write_answers
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.evaluation import comparisons_table, scores_table
from slidesieve.vqa.gather import gather_section
from slidesieve.vqa.table import write_questions

BENCH = "ID,Slide,Question,A,B,Answer\n" + "".join(
    f"{i},{slide},Which side?,left,right,{'AB'[i % 2]}\n" for i, slide in enumerate(SLIDES)
)


@pytest.fixture
def made(tmp_path):
    """A study, its dataset, where its results lie; questions, answers and scores are made."""
    (tmp_path / "bench.csv").write_text(BENCH)
    files = [{"source": "slidebench", "path": str(tmp_path / "bench.csv"), "part": "test"}]
    sheet = small_sheet(tmp_path / "slides.csv")
    study = small_study({"toy": small_dataset(sheet)}, vqa={"questions": files})
    study = replace(study, vqa=study.vqa | {"models": {"sieve": {}, "full": {}}})
    dataset, at = study.datasets["toy"], partial(layout.below, tmp_path, dataset="toy")
    gathered = gather_section(study.vqa, slide_index(slide_patients(dataset)))
    write_questions(at(layout.VQA_QUESTIONS), gathered.questions)
    write_csv(at(layout.VQA_FINDINGS), gathered.findings)
    stage = {"stage": STAGES["vqa_questions"]}
    write_json(at(layout.VQA_SOURCES), gathered.record() | stage)
    answers = {}
    for model in ("sieve", "full"):
        path = at(layout.VQA_ANSWERS, encoder="colour_texture", vqa_model=model)
        write_answers(path, [answer(question, "A") for question in gathered.questions])
        answers["colour_texture", model] = read_answers(path)
    identity = {file.name: (file.sha256, file.rows) for file in gathered.sources}
    draws = {"resamples": study.evaluation["bootstrap"], "seed": study.evaluation["seed"]}
    common = (answers, gathered.questions, identity)
    write_csv(at(layout.VQA_SCORES), scores_table(*common, **draws))
    write_csv(at(layout.VQA_COMPARISONS), comparisons_table(*common, "sieve", **draws))
    return study, dataset, at


def broken(made):
    """Name of each file that is not as it should be, with the first problem."""
    found = {}
    for finding in audit_questions(*made):
        if finding.status != "ok":
            found.setdefault(finding.path.name, finding.problem)
    return found


def test_what_the_workflow_makes_passes(made):
    assert broken(made) == {}
    assert len(list(audit_questions(*made))) == 5


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_an_edited_question_is_found(made):
    _, _, at = made
    edit(at(layout.VQA_QUESTIONS), "Which side?", "Which colour?")
    assert broken(made) == {
        "questions.csv": "question slidebench:0 is not what the files of questions give"
    }


def test_an_edited_finding_and_an_edited_score_are_found(made):
    _, _, at = made
    edit(at(layout.VQA_FINDINGS), ",kept,0,", ",kept,7,")
    edit(at(layout.VQA_SCORES), ",accuracy,0.5,", ",accuracy,0.9,")
    assert broken(made).keys() == {"findings.csv", "scores.csv"}


def test_a_source_file_that_changed_since_is_found(made, tmp_path):
    edit(tmp_path / "bench.csv", ",A\n", ",B\n")
    found = broken(made)
    assert found.keys() == {"questions.csv", "questions.json"}
    assert "bench.csv is not the file that was read" in found["questions.json"]


def test_another_version_of_the_stage_is_found(made):
    _, _, at = made
    record = json.loads(at(layout.VQA_SOURCES).read_text())
    write_json(at(layout.VQA_SOURCES), record | {"stage": 0})
    assert "stage version 0" in broken(made)["questions.json"]


def test_answers_to_other_questions_are_found_in_the_scores(made):
    _, _, at = made
    path = at(layout.VQA_ANSWERS, encoder="colour_texture", vqa_model="full")
    edit(path, "slidebench:0,", "slidebench:99,")
    assert "full answers what is no question" in broken(made)["scores.csv"]


def test_without_a_section_nothing_is_audited(made):
    study, dataset, at = made
    assert list(audit_questions(replace(study, vqa=None), dataset, at)) == []
