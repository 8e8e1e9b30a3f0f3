"""Findings of the checks of questions: each check with its count and its rows, for every source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

MENDED, SET_ASIDE, KEPT, DROPPED = "mended", "set aside", "kept", "dropped"

CHECKS: dict[str, tuple[str, str]] = {
    "byte_order_mark": (MENDED, "the file begins with a byte order mark"),
    "slide_is_a_path": (MENDED, "the slide is named by a path or with more than its barcode"),
    "outer_blanks": (MENDED, "a cell begins or ends with blanks"),
    "carriage_returns": (MENDED, "lines of a text end with carriage returns"),
    "option_gap": (MENDED, "an option is empty before one that is not; letters move up"),
    "answer_spelt_otherwise": (
        MENDED,
        "the answer is an option but for case, blanks or a full stop",
    ),
    "answer_in_words": (MENDED, "the answer says that the correct option is a letter"),
    "missing_id": (MENDED, "the id is empty; the row's number takes its place"),
    "duplicate_id": (SET_ASIDE, "an earlier row has the same id"),
    "missing_slide": (SET_ASIDE, "neither a slide nor a case is named"),
    "empty_question": (SET_ASIDE, "the question is empty"),
    "empty_answer": (SET_ASIDE, "the answer is empty"),
    "too_few_options": (SET_ASIDE, "there is one option only"),
    "letter_without_option": (SET_ASIDE, "the answer is a letter that has no option"),
    "answer_not_among_options": (SET_ASIDE, "the answer is none of the options"),
    "ambiguous_answer": (SET_ASIDE, "two options say what the answer says"),
    "unknown_slide": (SET_ASIDE, "the dataset has no such slide, or no slide of the case"),
    "doubled_options": (KEPT, "two options say the same"),
    "repeated_question": (KEPT, "an earlier row asks the same of the same slide or case"),
    "contradicting_answers": (KEPT, "an earlier row asks the same and has another answer"),
    "damaged_characters": (
        KEPT,
        "characters were damaged: U+FFFD, text read in a wrong encoding, a question mark in a word",
    ),
    "beyond_ascii": (KEPT, "there are characters beyond ASCII, whether right or damaged"),
    "missing_value_words": (
        KEPT,
        "an option or answer is a word that pandas takes for missing, unless keep_default_na=False",
    ),
    "several_slides": (KEPT, "the case has several slides; slides_per_case says which are used"),
    "model_output": (KEPT, "the file holds a model's answer beside the truth; it is not used"),
    "model_output_right": (KEPT, "that answer is right"),
    "caption_tells_answer": (
        KEPT,
        "a training caption of the case has the right option word for word, and no other option",
    ),
    "case_in_val_and_test": (KEPT, "the case is both in the validation and in the test part"),
    "training_case_is_tested": (
        DROPPED,
        "a training question about a case that the validation or test part has, too",
    ),
}
"""What is done to the questions that each check finds, and what the check means."""

_COLUMNS = ("source", "check", "action", "count", "rows", "meaning")


@dataclass(frozen=True)
class Tally:
    """The rows that checks have found so far."""

    _rows: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: str, check: str, row: int) -> None:
        """Put down that a check found a row of a source."""
        self._rows[source, check].append(row)

    def rows(self, source: str, check: str) -> list[int]:
        """Rows of a source that a check found, each once."""
        return sorted(set(self._rows.get((source, check), ())))

    def counts(self, source: str) -> dict[str, int]:
        """Number of rows of a source that each check found."""
        return {check: len(self.rows(source, check)) for check in CHECKS}


def findings_table(tally: Tally, sources: Iterable[str]) -> pd.DataFrame:
    """Return the table of findings.csv: every check of every source, also with count 0."""
    return pd.DataFrame(_cells(tally, list(sources)), columns=list(_COLUMNS))


def _cells(tally: Tally, sources: Sequence[str]) -> Iterator[tuple[str, str, str, int, str, str]]:
    for source in sources:
        for check, (action, meaning) in CHECKS.items():
            rows = tally.rows(source, check)
            listed = ";".join(map(str, rows))
            yield source, check, action, len(rows), listed, meaning
