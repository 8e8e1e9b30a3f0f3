"""answers.html: answers of a model and the tiles it looked at, the surest wrong ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from slidesieve.figures.html_page import heading, paragraph, write_page
from slidesieve.vqa.table import Question

_WORDS = (
    "At most two questions per slide. The bar is the probability the model gives an option; ✓ "
    "marks the right one, and the chosen one is bold. The map shows all tiles of the slide in grey "
    "and, in colour, those whose features went into the tokens that the language model was shown. "
    "They are what it could look at; they do not say why it answered so."
)
_STYLE = (
    "<style>.answer{display:flex;gap:1.5rem;border-top:1px solid #e3e3e3;padding:.8rem 0}"
    ".answer figure{margin:0;flex:0 0 250px}.answer figcaption{color:#666;font-size:12px}"
    ".answer table td{border:0;padding:.1rem .5rem;white-space:normal}"
    ".answer .bar{background:#0072B2;height:.7rem;display:inline-block}"
    ".answer .tiles img{max-width:100%}</style>"
)
_BAR_PX = 120


@dataclass(frozen=True)
class ShownAnswer:
    """One answer on the page.

    Attributes:
        question: The question.
        probabilities: Of its options.
        prediction: Letter of the chosen option.
        n_tokens: Tokens of the slides, before and after selection.
        maps: A map per slide, as markup, by slide_id.
        tiles: Pictures of some tiles looked at, as markup; "" where there are none.
    """

    question: Question
    probabilities: Sequence[float]
    prediction: str
    n_tokens: tuple[int, int]
    maps: Mapping[str, str]
    tiles: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the right option was chosen."""
        return self.prediction == self.question.answer


def answers_page(answers: Sequence[ShownAnswer], title: str, path: Path) -> None:
    """Write the page.

    Args:
        answers: In order, the wrong ones before the right ones.
        title: Of the page.
        path: Where to write.
    """
    parts = [_STYLE, paragraph(_WORDS)]
    for words, is_right in (("Wrong, the surest first", False), ("Right, the surest first", True)):
        chosen = [answer for answer in answers if answer.is_right is is_right]
        parts += [heading(words if chosen else f"{words}: none"), *map(_answer, chosen)]
    write_page(path, title, parts)


def shown_probabilities(row: pd.Series, n_options: int) -> list[float]:
    """Return the probabilities of a row of answers.csv."""
    columns = [name for name in row.index if name.startswith("p_")]
    return [float(row[name]) for name in columns[:n_options]]


def _answer(answer: ShownAnswer) -> str:
    question = answer.question
    where = ", ".join(part for part in (question.category, question.subcategory) if part)
    rows = "".join(map(_option, question.letters, question.options, _states(answer)))
    figures = "".join(
        f"<figure>{svg}<figcaption>{escape(slide_id)}</figcaption></figure>"
        for slide_id, svg in answer.maps.items()
    )
    before, after = answer.n_tokens
    return (
        f'<section class="answer">{figures}<div><p><b>{escape(question.question)}</b><br>'
        f"<small>{escape(where)}; {after:,} of {before:,} tokens shown</small></p>"
        f'<table>{rows}</table><div class="tiles">{answer.tiles}</div></div></section>'
    )


def _states(answer: ShownAnswer) -> list[tuple[float, bool, bool]]:
    """Probability of each option, whether it was chosen and whether it is right."""
    return [
        (probability, letter == answer.prediction, letter == answer.question.answer)
        for letter, probability in zip(answer.question.letters, answer.probabilities, strict=True)
    ]


def _option(letter: str, text: str, state: tuple[float, bool, bool]) -> str:
    probability, chosen, right = state
    words = f"{letter}. {escape(text)}"
    return (
        f"<tr><td>{'✓' if right else ''}</td><td>{f'<b>{words}</b>' if chosen else words}</td>"
        f'<td><span class="bar" style="width:{probability * _BAR_PX:.0f}px"></span></td>'
        f'<td class="number">{probability:.0%}</td></tr>'
    )
