"""The tokens that a question is about: those of its slides, one after another."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.bags import Bag, bag_of_slide, check_bags
from slidesieve.store.features import read_features
from slidesieve.vqa.table import Question

log = logging.getLogger(__name__)


class CaseBags:
    """Reads the bag of a question's slides when it is asked for; keeps some in memory.

    Args:
        path_of: Features file of each usable slide.
        max_tokens: Most tokens of a bag; of more, every so many are taken, as SlideChat does.
        memory_budget_bytes: Most bytes of features to keep.
    """

    def __init__(
        self, path_of: Mapping[str, Path], max_tokens: int, memory_budget_bytes: float
    ) -> None:
        self._path_of = path_of
        self._max_tokens = max_tokens
        self._left_bytes = memory_budget_bytes
        self._kept: dict[tuple[str, ...], Bag] = {}

    def bag(self, slide_ids: tuple[str, ...]) -> Bag:
        """Return the tokens of slides, named as the first of them.

        Raises:
            KeyError: None of the slides is usable.
            ContractError: A file breaks its contract, or slides were encoded differently.
        """
        if slide_ids in self._kept:
            return self._kept[slide_ids]
        bags = [self._read(slide_id) for slide_id in slide_ids if slide_id in self._path_of]
        if not bags:
            raise KeyError(slide_ids)
        check_bags(bags)
        bag = evenly(joined(bags), self._max_tokens)
        n_bytes = np.asarray(bag.features).nbytes
        if n_bytes <= self._left_bytes:
            self._left_bytes -= n_bytes
            self._kept[slide_ids] = bag
        return bag

    def slide_of_tokens(self, slide_ids: tuple[str, ...]) -> NDArray[np.str_]:
        """Return the slide of each token of `bag(slide_ids)`."""
        usable = [slide_id for slide_id in slide_ids if slide_id in self._path_of]
        lengths = [len(self._read(slide_id).features) for slide_id in usable]
        return np.repeat(np.array(usable), lengths)[even_choice(sum(lengths), self._max_tokens)]

    def answerable(self, questions: Iterable[Question]) -> list[Question]:
        """Return the questions of which a slide is usable; the others are counted in the log."""
        questions = list(questions)
        found = [q for q in questions if any(name in self._path_of for name in q.slide_ids)]
        if lost := len(questions) - len(found):
            log.warning("%d of %d questions have no slide with tokens", lost, len(questions))
        return found

    def _read(self, slide_id: str) -> Bag:
        features = read_features(self._path_of[slide_id])
        bag = bag_of_slide(features)
        return replace(bag, encoder=features.encoder, encoder_revision=features.encoder_revision)


def joined(bags: Sequence[Bag]) -> Bag:
    """Return the tokens of several slides as one bag; its pitch is that of the first slide."""
    if len(bags) == 1:
        return bags[0]
    return replace(
        bags[0],
        features=np.concatenate([np.asarray(bag.features) for bag in bags]),
        coords=np.concatenate([bag.coords for bag in bags]),
    )


def evenly(bag: Bag, most: int) -> Bag:
    """Return a bag of at most so many tokens, numbers linspace(0, N − 1, most) of it."""
    if len(bag.features) <= most:
        return bag
    kept = even_choice(len(bag.features), most)
    return replace(bag, features=np.asarray(bag.features)[kept], coords=bag.coords[kept])


def even_choice(n_tokens: int, most: int) -> NDArray[np.int64]:
    """Return the numbers of at most so many tokens of n: linspace(0, n − 1, most)."""
    return np.linspace(0, n_tokens - 1, min(n_tokens, most)).astype(np.int64)
