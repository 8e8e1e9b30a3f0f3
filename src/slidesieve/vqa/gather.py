"""questions.csv of several files: read, checked, matched to slides, and free of leaks."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from slidesieve.errors import ConfigError, ContractError
from slidesieve.vqa.cases import SlideIndex, SlidesPerCase
from slidesieve.vqa.checks import Placed, Source, check_questions
from slidesieve.vqa.converters import CONVERTERS
from slidesieve.vqa.findings import Tally, findings_table
from slidesieve.vqa.leaks import SharedCases, cases_of, shared_cases, told_by_captions
from slidesieve.vqa.question_settings import QuestionSource
from slidesieve.vqa.raw import RawQuestion
from slidesieve.vqa.table import Question, questions_sha256

Leakage = Literal["drop", "fail"]

_NAMED_IN_ERRORS = 5


@dataclass(frozen=True)
class SourceRecord:
    """Identity of a source file, so that results say which version they are of.

    Attributes:
        name, source, path: As in the config.
        sha256: Of the file's bytes.
        bytes: Size of the file.
        rows: Rows or records in the file.
        questions: Questions in the table of them.
    """

    name: str
    source: str
    path: str
    sha256: str
    bytes: int
    rows: int
    questions: int


@dataclass(frozen=True)
class Gathered:
    """Questions of all sources.

    Attributes:
        questions: The questions, in the order of the sources and their rows.
        tally: What the checks found.
        sources: Identity of each file.
        shared: Cases that parts share, before training questions were dropped.
        slides_per_case: Which slides a question has that names a case alone.
        leakage: What was to be done about shared cases.
    """

    questions: list[Question]
    tally: Tally
    sources: list[SourceRecord]
    shared: list[SharedCases]
    slides_per_case: SlidesPerCase
    leakage: Leakage

    @property
    def findings(self) -> pd.DataFrame:
        """The table of findings.csv."""
        return findings_table(self.tally, [source.name for source in self.sources])

    @property
    def learnt_from(self) -> str:
        """Hash of what models learn from: the questions of the training and validation parts."""
        return questions_sha256(q for q in self.questions if q.split != "test")

    def record(self) -> dict[str, Any]:
        """Return the content of questions.json."""
        return {
            "slides_per_case": self.slides_per_case,
            "leakage": self.leakage,
            "sources": [asdict(source) for source in self.sources],
            "questions": dict(Counter(question.split for question in self.questions)),
            "findings": {
                source.name: {
                    check: count for check, count in self.tally.counts(source.name).items() if count
                }
                for source in self.sources
            },
            "shared_cases": [{**asdict(pair), "cases": len(pair.cases)} for pair in self.shared],
        }


def gather_questions(
    sources: Sequence[QuestionSource],
    slides: SlideIndex | None = None,
    slides_per_case: SlidesPerCase = "first",
    leakage: Leakage = "drop",
) -> Gathered:
    """Read and check all sources, and see to it that no training case is tested.

    Args:
        sources: The files.
        slides: Slides of the dataset; None leaves slides as the files name them.
        slides_per_case: Which slides a question has that names a case alone.
        leakage: "drop" leaves out training questions about cases that are tested; "fail" refuses.

    Raises:
        ConfigError: Files cannot be read or are of another format; all of them.
        ContractError: There are leaks, and they are not to be dropped.
    """
    files = _read_all(sources)
    tally = Tally()
    placed: dict[str, list[Placed]] = {}
    for file in files:
        name = file.source.label
        if file.content.startswith(codecs.BOM_UTF8):
            tally.add(name, "byte_order_mark", 1)
        facts = Source(name, file.source.part or "", slides, slides_per_case)
        placed[name] = check_questions(file.raws, facts, partial(tally.add, name))
    found = [item.question for items in placed.values() for item in items]
    shared = shared_cases(found)
    if leakage == "fail":
        _refuse_leaks(shared)
    _note_leaks(placed, found, tally)
    kept = {
        name: _without(items, tally.rows(name, "training_case_is_tested"))
        for name, items in placed.items()
    }
    return Gathered(
        [question for questions in kept.values() for question in questions],
        tally,
        [_record(file, len(kept[file.source.label])) for file in files],
        shared,
        slides_per_case,
        leakage,
    )


def gather_section(section: Mapping[str, Any], slides: SlideIndex) -> Gathered:
    """Gather the questions that the `vqa` section of a config names, as plain values.

    Errors are those of `gather_questions`.
    """
    sources = [QuestionSource(**source) for source in section["questions"]]
    return gather_questions(sources, slides, section["slides_per_case"], section["leakage"])


@dataclass(frozen=True)
class _File:
    source: QuestionSource
    content: bytes
    raws: list[RawQuestion]


def _read_all(sources: Sequence[QuestionSource]) -> list[_File]:
    files, problems = [], []
    for source in sources:
        try:
            content = Path(source.path).read_bytes()
            files.append(_File(source, content, _convert(source, content)))
        except OSError as error:
            problems.append(f"{source.path}: cannot be read ({error.strerror})")
        except UnicodeDecodeError as error:
            problems.append(f"{source.path}: is no UTF-8 text ({error}); save it as UTF-8")
        except ConfigError as error:
            problems += [f"{source.path}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return files


def _convert(source: QuestionSource, content: bytes) -> list[RawQuestion]:
    return CONVERTERS[source.source](content.decode("utf-8-sig"))


def _refuse_leaks(shared: Iterable[SharedCases]) -> None:
    problems = [_leak_sentence(pair) for pair in shared if pair.part == "train"]
    if problems:
        raise ContractError("\n".join(problems))


def _leak_sentence(pair: SharedCases) -> str:
    named = ", ".join(pair.cases[:_NAMED_IN_ERRORS])
    more = ", …" if len(pair.cases) > _NAMED_IN_ERRORS else ""
    return (
        f"{pair.source} has {pair.questions} {pair.part} questions about {len(pair.cases)} cases "
        f"that {pair.other} has in its {pair.other_part} part: {named}{more}; "
        "take them out, or set vqa.leakage to drop"
    )


def _note_leaks(
    placed: Mapping[str, Sequence[Placed]], found: Sequence[Question], tally: Tally
) -> None:
    """Note training questions about tested cases, cases of two tested parts, and captions' hints.

    Captions are searched before leaking ones are dropped, so that it is seen what they tell.
    """
    tested = cases_of(found, "val", "test")
    twice = cases_of(found, "val") & cases_of(found, "test")
    told = {question.question_id for question in told_by_captions(found)}
    for name, items in placed.items():
        for item in items:
            question = item.question
            if question.split == "train" and question.case_id in tested:
                tally.add(name, "training_case_is_tested", item.row)
            if question.split != "train" and question.case_id in twice:
                tally.add(name, "case_in_val_and_test", item.row)
            if question.question_id in told:
                tally.add(name, "caption_tells_answer", item.row)


def _without(items: Iterable[Placed], rows: Iterable[int]) -> list[Question]:
    left_out = frozenset(rows)
    return [item.question for item in items if item.row not in left_out]


def _record(file: _File, questions: int) -> SourceRecord:
    source = file.source
    return SourceRecord(
        name=source.label,
        source=source.source,
        path=source.path,
        sha256=hashlib.sha256(file.content).hexdigest(),
        bytes=len(file.content),
        rows=len({raw.row for raw in file.raws}),
        questions=questions,
    )
