"""questions.csv: one row per question, whichever benchmark it comes from.

Columns: question_id, source, split, case_id, slide_ids, category, subcategory, question, option_a,
option_b, option_c, option_d, answer, answer_text. A table with a question of more than four options
has one column more, `options`: all options of such a question as a JSON list. UTF-8 without a byte
order mark, lines end with LF, and an empty cell is an empty text: options called "None" or "NA" are
options like others.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

from slidesieve.errors import ContractError
from slidesieve.store.atomic import atomic_path

SPLITS = ("train", "val", "test")
CAPTION = "caption"
"""Category of open questions whose answer is a caption of the slide."""

LETTERS = ascii_uppercase + ascii_lowercase
"""Letters of options in their order; MultiPathQA has questions of 30 options."""

OPTION_COLUMNS = ("option_a", "option_b", "option_c", "option_d")
COLUMNS = (
    *("question_id", "source", "split", "case_id", "slide_ids", "category", "subcategory"),
    *("question", *OPTION_COLUMNS, "answer", "answer_text"),
)
OPTIONS_COLUMN = "options"
"""All options of a question as a JSON list, where it has more than four."""

SLIDE_SEPARATOR = ";"
_MOST_PROBLEMS = 30


@dataclass(frozen=True)
class Question:
    """One question about the slides of one case.

    Attributes:
        question_id: `<source>:<id in the source>`, unique in a table.
        source: Name of the source file's entry in the config.
        split: train, val or test.
        case_id: The patient.
        slide_ids: Slides the question is asked of; empty until they are looked up by case.
        category: Broad category, task of BCNB, or `caption`.
        subcategory: Narrow category, or "".
        question: Text of the question, without its options.
        options: Texts of the options in the order of their letters; empty for an open question.
        answer: Letter of the right option; "" for an open question.
        answer_text: Text of the right option, or the answer to an open question.

    Raises:
        ContractError: The parts do not fit together.
    """

    question_id: str
    source: str
    split: str
    case_id: str
    slide_ids: tuple[str, ...]
    category: str
    subcategory: str
    question: str
    options: tuple[str, ...]
    answer: str
    answer_text: str

    @property
    def is_closed(self) -> bool:
        """Whether one of several options is the answer."""
        return bool(self.options)

    @property
    def letters(self) -> str:
        """The letters of the options: "ABCD" for four."""
        return LETTERS[: len(self.options)]

    @property
    def answer_index(self) -> int:
        """Place of the right option, from 0; only closed questions have one."""
        return self.letters.index(self.answer)

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ContractError(f"question {self.question_id!r}: {problem}")

    def _problem(self) -> str:
        if self.split not in SPLITS:
            return f"split {self.split!r} must be {', '.join(SPLITS)}"
        for name in ("question_id", "case_id", "question"):
            if not getattr(self, name):
                return f"{name} is empty"
        # CSV files quote no carriage return, and readers take one for the end of a row.
        if any("\r" in text for text in (self.question, self.answer_text, *self.options)):
            return "holds a carriage return; lines of a text end with \\n"
        if "" in self.options:
            return f"option {self.letters[self.options.index('')]} is empty, but a later one is not"
        if len(self.options) == 1 or len(self.options) > len(LETTERS):
            return f"has {len(self.options)} option(s); 2 to {len(LETTERS)} are possible"
        if not self.options:
            return f"answer {self.answer!r} has no option" if self.answer else ""
        if len(self.answer) != 1 or self.answer not in self.letters:
            return f"answer {self.answer!r} has no option"
        if self.answer_text != self.options[self.answer_index]:
            return f"answer_text {self.answer_text!r} is not the text of option {self.answer}"
        return ""


def read_questions(path: Path) -> list[Question]:
    """Read a table of questions in the order of its rows.

    Raises:
        ContractError: The file or a column is missing, or rows break the contract; all of them, by
            their number (the header is row 1).
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval="")
            header, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContractError(f"{path}: cannot be read as a table of questions ({error})") from error
    if missing := [name for name in COLUMNS if name not in header]:
        found = ", ".join(header) or "nothing"
        raise ContractError(f"{path}: column {', '.join(missing)} is missing (found: {found})")
    questions, problems = [], []
    for number, row in enumerate(rows, start=2):
        try:
            questions.append(_question(row))
        except (ContractError, json.JSONDecodeError) as error:
            problems.append(f"{path}, row {number}: {error}")
    problems += [f"{path}: {problem}" for problem in _repeated(questions)]
    if problems:
        further = len(problems) - _MOST_PROBLEMS
        more = [f"{path}: and {further} more mistakes"] if further > 0 else []
        raise ContractError("\n".join(problems[:_MOST_PROBLEMS] + more))
    return questions


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """Write a table of questions atomically.

    Raises:
        ContractError: Two questions have the same question_id.
    """
    questions = list(questions)
    if problems := _repeated(questions):
        raise ContractError("\n".join(problems))
    many = any(len(question.options) > len(OPTION_COLUMNS) for question in questions)
    columns = (*COLUMNS, OPTIONS_COLUMN) if many else COLUMNS
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(_row, questions))


def with_newlines(text: str) -> str:
    """Return a text whose lines end with newlines, whatever they ended with."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def questions_sha256(questions: Iterable[Question]) -> str:
    """Hash the content of questions, in their order: what a model that learns from them knows."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update((json.dumps(astuple(question)) + "\n").encode())
    return digest.hexdigest()


def _question(row: Mapping[str, str]) -> Question:
    """One question of a row's cells."""
    if everything := row.get(OPTIONS_COLUMN, ""):
        options = tuple(map(str, json.loads(everything)))
    else:
        cells = [row[name] for name in OPTION_COLUMNS]
        last = max((i for i, cell in enumerate(cells) if cell), default=-1)
        options = tuple(cells[: last + 1])
    slide_ids = tuple(filter(None, row["slide_ids"].split(SLIDE_SEPARATOR)))
    plain = {name: row[name] for name in COLUMNS if name not in (*OPTION_COLUMNS, "slide_ids")}
    return Question(slide_ids=slide_ids, options=options, **plain)


def _row(question: Question) -> dict[str, str]:
    """The cells of one question."""
    cells = {
        name: getattr(question, name)
        for name in COLUMNS
        if name not in (*OPTION_COLUMNS, "slide_ids")
    }
    cells["slide_ids"] = SLIDE_SEPARATOR.join(question.slide_ids)
    cells |= dict(zip(OPTION_COLUMNS, question.options, strict=False))
    if len(question.options) > len(OPTION_COLUMNS):
        cells[OPTIONS_COLUMN] = json.dumps(question.options, ensure_ascii=False)
    return cells


def _repeated(questions: Iterable[Question]) -> list[str]:
    counts = Counter(question.question_id for question in questions)
    return [
        f"question_id {name!r} stands in {count} rows; it must be unique"
        for name, count in counts.items()
        if count > 1
    ]
