"""One question about one slide, asked of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from slidesieve.bags import collate
from slidesieve.errors import ConfigError, ContractError
from slidesieve.parsing.settings import parse_settings
from slidesieve.vqa.case_bags import CaseBags
from slidesieve.vqa.looked_at import tiles_used
from slidesieve.vqa.model import load_answerer
from slidesieve.vqa.model_settings import AnswerSettings
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.scoring import LETTER, OPTION, choose, write
from slidesieve.vqa.table import LETTERS, Question

_NEW_TOKENS = 128


@dataclass(frozen=True)
class Reply:
    """What a model says about a slide, and what it looked at.

    Attributes:
        answer: Text of the chosen option, or what the model wrote.
        probabilities: Of the options, in their order; empty for an open question.
        tiles: (K, 2) int64, top-left corners in level-0 px of the tiles that went into the tokens
            it was shown.
    """

    answer: str
    probabilities: tuple[float, ...]
    tiles: NDArray[np.int64]


@torch.no_grad()
def ask(
    model: Path,
    features: Path,
    question: str,
    options: Sequence[str] = (),
    device: torch.device | str = "cpu",
) -> Reply:
    """Ask a question; a closed one is answered by letters or texts, as the model was trained.

    Args:
        model: Folder of the model.
        features: Features file of the slide, of the encoder that the model was trained with.
        question: Text of the question.
        options: Two or more, or none for an open question.
        device: Where to compute.

    Raises:
        ContractError: A file is missing or damaged, or features are of another width.
        ConfigError: There is a single option, or too many.
    """
    if len(options) == 1 or len(options) > len(LETTERS):
        raise ConfigError([f"--options: {len(options)} given; 2 to {len(LETTERS)}, or none"])
    answerer = load_answerer(model, device)
    slide = (features.stem,)
    bag = CaseBags({features.stem: features}, answerer.settings.max_tokens, 0).bag(slide)
    if bag.features.shape[1] != answerer.dim:
        raise ContractError(
            f"{features}: features are {bag.features.shape[1]} wide, and {model} was trained with "
            f"{answerer.dim}; take features of {answerer.facts['encoder'] or 'its encoder'}"
        )
    said = parse_settings(AnswerSettings, answerer.facts["answer"])
    maker = PromptMaker(answerer.tokenizer, said, answerer.language.template)
    prefix = answerer.model.connector(collate([bag]).to(answerer.model.device))
    prompt = maker.prompt(_as_question(question, tuple(options)))
    if options:
        method = LETTER if said.say == "letter" else OPTION
        [answer] = choose(answerer.model, prefix, [prompt], maker, method)
    else:
        [answer] = write(answerer.model, prefix, [prompt], maker, _NEW_TOKENS)
    return Reply(answer.output, answer.probabilities, bag.coords[tiles_used(prefix)])


def _as_question(text: str, options: tuple[str, ...]) -> Question:
    """A question whose answer nobody knows; a closed one must name some option as right."""
    return Question(
        question_id="asked",
        source="asked",
        split="test",
        case_id="asked",
        slide_ids=("asked",),
        category="",
        subcategory="",
        question=text,
        options=options,
        answer="A" if options else "",
        answer_text=options[0] if options else "",
    )
