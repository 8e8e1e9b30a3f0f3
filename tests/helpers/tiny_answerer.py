"""Questions about random bags, and untrained models that answer them; needs the extra `vqa`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch

from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.vqa.language import Language, build_demo_language
from slidesieve.vqa.model import Answerer, build_answerer
from slidesieve.vqa.model_settings import (
    AnswererSettings,
    AnswerSettings,
    BuiltLanguage,
    LanguageSettings,
)
from slidesieve.vqa.packing import Segment
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.table import Question

import_torchvision()  # transformers imports it, too
pytest.importorskip("transformers", reason="transformers is not installed: pip install '.[dev]'")

DIM = 8
SIZE = BuiltLanguage(layers=2, width=32, heads=2, vocabulary=400)
CORPUS = ("Which pattern has the lesion?", "How large is it?", "solid acinar large small A B C D E")


def question(
    number: int = 0,
    text: str = "Which pattern has the lesion?",
    options: Sequence[str] = ("solid", "acinar", "large"),
    answer: str = "B",
    **changed: object,
) -> Question:
    """A closed question about case c0, which is slide s0."""
    values = {
        "question_id": f"toy:{number}",
        "source": "toy",
        "split": "train",
        "case_id": "c0",
        "slide_ids": ("s0",),
        "category": "pattern",
        "subcategory": "",
        "question": text,
        "options": tuple(options),
        "answer": answer,
        "answer_text": options["ABCDEFGH".index(answer)] if answer else "",
    }
    return Question(**{**values, **changed})


def tiny_language(attention: str = "sdpa", seed: int = 0) -> Language:
    """An untrained Qwen2 of two blocks, new every time."""
    return build_demo_language(CORPUS, replace(SIZE, seed=seed), attention)


def tiny_answerer(
    reducer: object = "none",
    adapt: str = "full",
    positions: str = "compact",
    attention: str = "sdpa",
    language_name: str = "tiny",
    seed: int = 0,
) -> Answerer:
    """An untrained model in evaluation mode."""
    torch.manual_seed(seed)
    answerer = build_answerer(
        tiny_language(attention, seed),
        AnswererSettings(language="tiny", reducer=reducer, adapt=adapt),
        LanguageSettings(name=language_name, attention=attention),
        language_name,
        DIM,
        positions,
        {"seed": seed},
    )
    answerer.model.eval()
    return answerer


@cache
def prompts(say: str = "text") -> PromptMaker:
    """Prompts of the tiny language's tokenizer."""
    return PromptMaker(tiny_language().tokenizer, AnswerSettings(say=say))


def asked(*questions: Question) -> list[list[Segment]]:
    """Each question with all its options scored, as the segments of one pack per question."""
    packs = []
    for one in questions:
        prompt = prompts().prompt(one)
        written = [prompts().written(text) for text in prompt.options]
        packs.append([Segment(prompt.stem), *(Segment(ids, 0, scored=True) for ids in written)])
    return packs


def one_pack(packs: Sequence[Sequence[Segment]]) -> list[Segment]:
    """The segments of several packs as one pack."""
    joined: list[Segment] = []
    for segments in packs:
        first = len(joined)
        joined += [
            Segment(s.ids, s.parent + first if s.parent >= 0 else s.parent, s.scored)
            for s in segments
        ]
    return joined
