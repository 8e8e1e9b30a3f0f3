"""Audit of slide question answering: questions and scores made anew, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from slidesieve.audit.findings import Finding, PathOf, examine, version_problems
from slidesieve.audit.recomputed import differences
from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout
from slidesieve.plan.inputs import Inputs
from slidesieve.plan.params import slide_patients
from slidesieve.vqa.answers_table import read_answers
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.evaluation import COMPARISON_KEYS, SCORE_KEYS, comparisons_table, scores_table
from slidesieve.vqa.gather import Gathered, gather_section
from slidesieve.vqa.table import read_questions

_MOST = 20
_FILES = "the files of questions"


def audit_questions(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit the questions of a dataset and the scores of the answers; none without a section."""
    if study.vqa is None:
        return
    section = study.vqa

    # Three files are compared with what the sources give: these are read once.
    @cache
    def gathered() -> Gathered:
        return gather_section(section, slide_index(slide_patients(dataset)))

    questions, findings = at(layout.VQA_QUESTIONS), at(layout.VQA_FINDINGS)
    yield from examine(questions, lambda: _question_problems(questions, gathered()))
    yield from examine(
        findings,
        lambda: differences(findings, gathered().findings, ["source", "check"], _FILES),
    )
    record = at(layout.VQA_SOURCES)
    yield from examine(record, lambda: _record_problems(record, gathered()))
    if study.vqa.get("models"):
        yield from _audit_scores(study, dataset, at)


def _question_problems(path: Path, gathered: Gathered) -> Iterator[str]:
    stored = {question.question_id: question for question in read_questions(path)}
    fresh = {question.question_id: question for question in gathered.questions}
    wrong = [name for name in {**fresh, **stored} if stored.get(name) != fresh.get(name)]
    for name in wrong[:_MOST]:
        yield f"question {name} is not what {_FILES} give"
    if len(wrong) > _MOST:
        yield f"and {len(wrong) - _MOST} more questions differ"


def _record_problems(path: Path, gathered: Gathered) -> Iterator[str]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    yield from version_problems("vqa_questions", stored.get("stage"))
    fresh = gathered.record()
    for now in fresh["sources"]:
        if now not in stored["sources"]:
            yield f"{now['path']} is not the file that was read, or gives other questions now"
    if {key: stored.get(key) for key in fresh} != fresh:
        yield f"does not say of {_FILES} what they give"


def _audit_scores(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    @cache
    def made() -> dict[str, Any]:
        """What both tables are made from."""
        pairs = Inputs(study).answerers({"dataset": dataset.name})
        record = json.loads(at(layout.VQA_SOURCES).read_text(encoding="utf-8"))
        return {
            "answers": {
                (encoder, model): read_answers(
                    at(layout.VQA_ANSWERS, encoder=encoder, vqa_model=model)
                )
                for encoder, model in pairs
            },
            "questions": read_questions(at(layout.VQA_QUESTIONS)),
            "files": {file["name"]: (file["sha256"], file["rows"]) for file in record["sources"]},
            "resamples": study.evaluation["bootstrap"],
            "seed": study.evaluation["seed"],
        }

    reference = study.vqa_reference or ""
    scores, comparisons = at(layout.VQA_SCORES), at(layout.VQA_COMPARISONS)
    yield from examine(
        scores, lambda: differences(scores, scores_table(**made()), SCORE_KEYS, "the answers")
    )
    yield from examine(
        comparisons,
        lambda: differences(
            comparisons,
            comparisons_table(**made(), reference=reference),
            COMPARISON_KEYS,
            "the answers",
        ),
    )
