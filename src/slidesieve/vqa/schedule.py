"""Which questions share a pack, which packs share a step, and the learning rate."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from slidesieve.errors import ContractError
from slidesieve.vqa.model_settings import StageSettings
from slidesieve.vqa.table import CAPTION, Question

Pack = tuple[Question, ...]
Item = TypeVar("Item")


def questions_of_stage(questions: Sequence[Question], chosen: str) -> list[Question]:
    """Return the questions that a stage trains on: captions, answers or all."""
    if chosen == "all":
        return list(questions)
    return [q for q in questions if (q.category == CAPTION) == (chosen == "captions")]


def draw_packs(questions: Sequence[Question], most: int, rng: np.random.Generator) -> list[Pack]:
    """Put the questions of each slide into packs of at most `most`, all in random order."""
    of_slides: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for question in questions:
        of_slides[question.slide_ids].append(question)
    packs = []
    for group in of_slides.values():
        order = rng.permutation(len(group))
        packs += [
            tuple(group[i] for i in order[start : start + most])
            for start in range(0, len(group), most)
        ]
    return [packs[i] for i in rng.permutation(len(packs))]


def split_packs(packs: Sequence[Sequence[Item]], most: int) -> list[list[Sequence[Item]]]:
    """Group packs into passes of at most `most` questions; a larger pack is cut into pieces."""
    passes: list[list[Sequence[Item]]] = [[]]
    room = most
    for pack in packs:
        for start in range(0, len(pack), most):
            piece = pack[start : start + most]
            if len(piece) > room:
                passes.append([])
                room = most
            passes[-1].append(piece)
            room -= len(piece)
    return [group for group in passes if group]


def rate_factor(step: int, steps: int, warmup_share: float) -> float:
    """Return the share of the highest learning rate: a linear rise, then half a cosine to 0."""
    warmup = warmup_share * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


class Course:
    """One stage of training as it is gone through.

    Every step has its packs and its random numbers by its number alone, so that a training that
    was interrupted goes on as if it had not been.

    Args:
        number: Of the stage, from 0.
        stage: Its settings.
        questions: All training questions.
        questions_per_pack: Most of a pack.
        seed: Of the training.

    Attributes:
        number: Of the stage, from 0.
        stage: Its settings.
        steps: Its optimiser steps.

    Raises:
        ContractError: No question is for this stage.
    """

    def __init__(
        self,
        number: int,
        stage: StageSettings,
        questions: Sequence[Question],
        questions_per_pack: int,
        seed: int,
    ) -> None:
        self.number, self.stage = number, stage
        self._questions = questions_of_stage(questions, stage.questions)
        if not self._questions:
            raise ContractError(
                f"vqa.stages[{number}]: no training question is among {stage.questions}"
            )
        self._per_pack, self._seed = questions_per_pack, seed
        self._drawn = 0, self._draw(0)
        n_packs = len(self._drawn[1])
        self._steps_per_epoch = math.ceil(n_packs / stage.packs_per_step)
        self.steps = stage.steps or (stage.epochs or 1) * self._steps_per_epoch

    def packs(self, step: int) -> list[Pack]:
        """Return the packs of a step; the last step of an epoch takes what is left of it."""
        epoch, place = divmod(step, self._steps_per_epoch)
        if self._drawn[0] != epoch:
            self._drawn = epoch, self._draw(epoch)
        first = place * self.stage.packs_per_step
        return self._drawn[1][first : first + self.stage.packs_per_step]

    def random(self, step: int) -> np.random.Generator:
        """Return the source of a step's random numbers."""
        return np.random.default_rng([self._seed, self.number, 1, step])

    def _draw(self, epoch: int) -> list[Pack]:
        rng = np.random.default_rng([self._seed, self.number, 0, epoch])
        return draw_packs(self._questions, self._per_pack, rng)
