"""What a trained model answers, with its own slides and without."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from slidesieve.bags import Bag, collate
from slidesieve.vqa.answers_table import (
    DONOR,
    METHODS,
    NO_IMAGE,
    OWN,
    PATHS,
    RANDOM,
    SOFT,
    AnswerRow,
)
from slidesieve.vqa.connector import Prefix, random_tokens
from slidesieve.vqa.model import Answerer
from slidesieve.vqa.model_settings import ScoreSettings
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.scoring import TEXT, Answer, choose, write
from slidesieve.vqa.table import Question

RANDOM_TOKENS = 32
"""Tokens of a slide that the path `random` shows."""

Slides = tuple[str, ...]


@dataclass(frozen=True)
class _Shown:
    """What a model is shown: slides, their number of tokens, the image tokens made of them."""

    slide_ids: Slides
    tokens_in: int
    prefix: Prefix | None

    @property
    def tokens_kept(self) -> int:
        return 0 if self.prefix is None else int(self.prefix.mask.sum())


@dataclass(frozen=True)
class Answering:
    """A trained model, and how it is asked.

    Attributes:
        answerer: The model, with its training parts.
        bag_of: Gives the tokens of some slides.
        donor_of: Slides of another patient for each question_id.
        maker: Makes prompts.
        score: How answers are read; `also` on the path of own slides alone.
        questions_per_pack: Most questions that share one pass over the image tokens.
    """

    answerer: Answerer
    bag_of: Callable[[Slides], Bag]
    donor_of: Mapping[str, Slides]
    maker: PromptMaker
    score: ScoreSettings
    questions_per_pack: int

    @torch.no_grad()
    def rows(self, questions: Sequence[Question]) -> list[AnswerRow]:
        """Answer questions on every path, see `PATHS`; open ones in writing and with own slides.

        The soft path is gone first; then the modules that only training needs are dropped.
        """
        self.answerer.model.eval()
        closed = [question for question in questions if question.is_closed]
        methods = dict.fromkeys([self.score.method, *self.score.also])
        rows: list[AnswerRow] = []
        if hasattr(self.answerer.model.connector.reducer, SOFT):
            rows += self._on_path(SOFT, self.score.method, closed)
        self.answerer.model.connector.drop_training_parts()
        for method in methods:
            rows += self._on_path(OWN, method, closed)
        for path in (NO_IMAGE, DONOR, RANDOM):
            rows += self._on_path(path, self.score.method, closed)
        rows += self._on_path(OWN, TEXT, [q for q in questions if not q.is_closed])
        place = {question.question_id: number for number, question in enumerate(questions)}
        return sorted(
            rows,
            key=lambda row: (
                PATHS.index(row.path),
                METHODS.index(row.method),
                place[row.question_id],
            ),
        )

    def _on_path(
        self, path: str, method: str, questions: Sequence[Question]
    ) -> Iterator[AnswerRow]:
        of_slides: dict[Slides, list[Question]] = defaultdict(list)
        for question in questions:
            donated = path == DONOR
            seen = self.donor_of[question.question_id] if donated else question.slide_ids
            of_slides[seen].append(question)
        for slide_ids, group in tqdm(of_slides.items(), desc=f"{path}, {method}", disable=None):
            shown = self._show(path, slide_ids)
            for start in range(0, len(group), self.questions_per_pack):
                pack = group[start : start + self.questions_per_pack]
                for question, answer in zip(pack, self._answers(shown, pack, method), strict=True):
                    yield _row(question, shown, path, method, answer)

    def _show(self, path: str, slide_ids: Slides) -> _Shown:
        if path == NO_IMAGE:
            return _Shown((), 0, None)
        model = self.answerer.model
        tokens = collate([self.bag_of(slide_ids)]).to(model.device)
        n_tokens = int(tokens.mask.sum())
        if path == RANDOM:
            tokens = random_tokens(tokens, RANDOM_TOKENS)
        if path != SOFT:
            return _Shown(slide_ids, n_tokens, model.connector(tokens))
        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(zlib.crc32(";".join(slide_ids).encode()))
            return _Shown(slide_ids, n_tokens, model.connector.soft(tokens))

    def _answers(self, shown: _Shown, pack: Sequence[Question], method: str) -> list[Answer]:
        model, maker = self.answerer.model, self.maker
        prompts = [maker.prompt(question) for question in pack]
        if method == TEXT:
            return write(model, shown.prefix, prompts, maker, self.score.new_tokens)
        return choose(model, shown.prefix, prompts, maker, method)


def _row(question: Question, shown: _Shown, path: str, method: str, answer: Answer) -> AnswerRow:
    prediction = "" if answer.choice is None else question.letters[answer.choice]
    return AnswerRow(
        question_id=question.question_id,
        case_id=question.case_id,
        slide_ids=shown.slide_ids,
        path=path,
        method=method,
        prediction=prediction,
        correct=question.is_closed and prediction == question.answer,
        probabilities=answer.probabilities,
        output=answer.output,
        tokens_in=shown.tokens_in,
        tokens_kept=shown.tokens_kept,
    )
