"""From raw questions of one source to sound ones, with a finding for all that was wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slidesieve.vqa.answers import comparable, option_meant, same
from slidesieve.vqa.cases import SlideIndex, SlidesPerCase, barcode_case, bare_slide
from slidesieve.vqa.raw import RawQuestion
from slidesieve.vqa.table import LETTERS, Question, with_newlines

# Signs of UTF-8 that was read as cp1252 or the reverse, and of letters that became "?".
_DAMAGE = re.compile(r"\ufffd|[\x80-\x9f]|[ÂÃ][\x80-\xbf]|â[€™œ]|[¢]|\w\?\w")
# pandas.read_csv takes these for missing values by default.
_MISSING_VALUE_WORDS = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
_ANSWER_LETTER = re.compile(r"\s*\(?([A-Za-z])\b")

Note = Callable[[str, int], None]
"""Takes the name of a check and the row that it found."""


@dataclass(frozen=True)
class Placed:
    """A question and the row of its source that it stands in."""

    row: int
    question: Question


@dataclass(frozen=True)
class Source:
    """What the questions of a file have in common.

    Attributes:
        name: Of the file in all tables.
        part: Part of the questions that do not say it themselves.
        slides: Slides of the dataset; None leaves slides as the file names them.
        slides_per_case: Which slides a question has that names a case alone.
    """

    name: str
    part: str
    slides: SlideIndex | None = None
    slides_per_case: SlidesPerCase = "first"


def check_questions(raws: Iterable[RawQuestion], source: Source, note: Note) -> list[Placed]:
    """Mend what can be mended, set aside what cannot, and note both.

    Args:
        raws: Questions as they stand in the file.
        source: The file.
        note: Is called for each finding.
    """
    sound, ids = [], set()
    for raw in raws:
        mended = _mended(raw, note)
        if mended.original_id in ids:
            note("duplicate_id", raw.row)
            continue
        ids.add(mended.original_id)
        question = _question(mended, source, note)
        if question is not None:
            sound.append(Placed(raw.row, question))
    _note_repeats(sound, note)
    return sound


def _mended(raw: RawQuestion, note: Note) -> RawQuestion:
    """Return a question without outer blanks and carriage returns, and with an id."""
    stripped = _each_text(raw, str.strip)
    if stripped != raw:
        note("outer_blanks", raw.row)
    mended = _each_text(stripped, with_newlines)
    if mended != stripped:
        note("carriage_returns", raw.row)
    if not mended.original_id:
        note("missing_id", raw.row)
        return replace(mended, original_id=str(raw.row))
    return mended


def _each_text(raw: RawQuestion, change: Callable[[str], str]) -> RawQuestion:
    """Return a question whose cells are all changed."""
    cells: dict[str, Any] = {
        name: change(value) for name, value in vars(raw).items() if isinstance(value, str)
    }
    return replace(raw, **cells, options=tuple(map(change, raw.options)))


def _question(raw: RawQuestion, source: Source, note: Note) -> Question | None:
    """The sound question, or None if it is set aside; what was found is noted."""
    for check in _mere_notes(raw):
        note(check, raw.row)
    if check := _lacks(raw):
        note(check, raw.row)
        return None
    filled = _filled(raw)
    answer, answer_text = "", raw.answer
    if filled:
        meant = option_meant(raw.answer, raw.options, raw.answer_form)
        if meant.check:
            note(meant.check, raw.row)
        if meant.place is None:
            return None
        # The letter moves with its option where a gap before it is closed.
        answer, answer_text = LETTERS[filled.index(meant.place)], raw.options[meant.place]
        if raw.model_output and _answers(raw, LETTERS[meant.place]):
            note("model_output_right", raw.row)
    case, slides = _case_and_slides(raw, source, note)
    if source.slides is not None and not slides:
        note("unknown_slide", raw.row)
        return None
    return Question(
        question_id=f"{source.name}:{raw.original_id}",
        source=source.name,
        split=raw.split or source.part,
        case_id=case,
        slide_ids=slides,
        category=raw.category,
        subcategory=raw.subcategory,
        question=raw.question,
        options=tuple(raw.options[place] for place in filled),
        answer=answer,
        answer_text=answer_text,
    )


def _lacks(raw: RawQuestion) -> str:
    """Name of the check that sets a question aside for what it lacks, or ""."""
    if not raw.slide and not raw.case:
        return "missing_slide"
    if not raw.question:
        return "empty_question"
    if not raw.answer:
        return "empty_answer"
    return "too_few_options" if len(_filled(raw)) == 1 else ""


def _filled(raw: RawQuestion) -> list[int]:
    """Places of the options that say something; none for an open question."""
    return [place for place, option in enumerate(raw.options) if option]


def _mere_notes(raw: RawQuestion) -> Iterator[str]:
    """Names of the checks that find something and leave the question as it is."""
    texts = (raw.question, *raw.options, raw.answer)
    if any(_DAMAGE.search(text) for text in texts):
        yield "damaged_characters"
    if not all(text.isascii() for text in texts):
        yield "beyond_ascii"
    if _MISSING_VALUE_WORDS & {*raw.options, raw.answer}:
        yield "missing_value_words"
    if _filled(raw) != list(range(len(_filled(raw)))):
        yield "option_gap"
    spelt = [comparable(option) for option in raw.options if option]
    if len({*spelt}) < len(spelt):
        yield "doubled_options"
    if raw.model_output:
        yield "model_output"


def _answers(raw: RawQuestion, answer: str) -> bool:
    """Whether a model's answer, "D. Text" or "D", names the right letter."""
    named = _ANSWER_LETTER.match(raw.model_output)
    return named is not None and named[1].upper() == answer


def _case_and_slides(raw: RawQuestion, source: Source, note: Note) -> tuple[str, tuple[str, ...]]:
    """The case of a question and its slides; none where the dataset has none of them."""
    known = source.slides
    if not raw.slide:
        if known is None:
            return raw.case, ()
        if len(known.of_case(raw.case, "all")) > 1:
            note("several_slides", raw.row)
        return raw.case, known.of_case(raw.case, source.slides_per_case)
    bare = bare_slide(raw.slide)
    if bare != raw.slide:
        note("slide_is_a_path", raw.row)
    found = bare if known is None else known.find(raw.slide)
    patient = known.case_of[found] if known and found else ""
    case = raw.case or barcode_case(bare) or patient or bare
    return case, (found,) if found else ()


def _note_repeats(placed: Sequence[Placed], note: Note) -> None:
    """Note rows that ask what an earlier row asks of the same slide or case."""
    earlier: dict[tuple[str, ...], list[Question]] = {}
    for item in placed:
        question = item.question
        where = question.slide_ids or (question.case_id,)
        known = earlier.setdefault((*where, comparable(question.question)), [])
        if known:
            note("repeated_question", item.row)
        if any(not same(other.answer_text, question.answer_text) for other in known):
            note("contradicting_answers", item.row)
        known.append(question)
