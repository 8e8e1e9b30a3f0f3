"""From settings and questions to a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from slidesieve.errors import ContractError
from slidesieve.parsing.settings import parse_settings, plain
from slidesieve.vqa.language import load_language
from slidesieve.vqa.model import Answerer, build_answerer
from slidesieve.vqa.model_settings import (
    AnswererSettings,
    AnswerSettings,
    LanguageSettings,
    StageSettings,
)
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.table import Question
from slidesieve.vqa.training import BagOf, fit


@dataclass(frozen=True)
class FittingSettings:
    """All settings that the training of a model depends on.

    Attributes:
        model: The model.
        language: Its language model.
        stages: Of training.
        answer: What it is to say.
        positions: "compact" or "original".
    """

    model: AnswererSettings
    language: LanguageSettings
    stages: tuple[StageSettings, ...]
    answer: AnswerSettings
    positions: str

    @classmethod
    def from_params(cls, params: Mapping) -> FittingSettings:
        """Read the plain values that a rule has among its params."""
        return cls(
            model=parse_settings(AnswererSettings, params["model"]),
            language=parse_settings(LanguageSettings, params["language"]),
            stages=tuple(parse_settings(StageSettings, stage) for stage in params["stages"]),
            answer=parse_settings(AnswerSettings, params["answer"]),
            positions=params["positions"],
        )


def fit_answerer(
    settings: FittingSettings,
    questions: Sequence[Question],
    bag_of: BagOf,
    built: str | None,
    device: torch.device,
    state: Path | None = None,
) -> tuple[Answerer, pd.DataFrame]:
    """Build a model and train it.

    Args:
        settings: The model and its training.
        questions: Training questions, each with a slide that has tokens.
        bag_of: Gives the tokens of some slides.
        built: Folder of the language model if it was made here; else its name is in the settings.
        device: Where to compute.
        state: File of an interrupted training.

    Returns:
        The model, and history.csv.

    Raises:
        ContractError: There is no training question.
    """
    if not questions:
        raise ContractError("no training question is about a slide with tokens")
    seed, first = settings.model.seed, bag_of(questions[0].slide_ids)
    name = built or str(settings.language.name)
    language = load_language(name, settings.language, device)
    torch.manual_seed(seed)
    answerer = build_answerer(
        language,
        settings.model,
        settings.language,
        name,
        dim=first.features.shape[1],
        positions=settings.positions,
        facts={
            "encoder": first.encoder,
            "encoder_revision": first.encoder_revision,
            "stages": [plain(stage) for stage in settings.stages],
            "answer": plain(settings.answer),
            "n_questions": len(questions),
        },
    )
    maker = PromptMaker(language.tokenizer, settings.answer, settings.language.template)
    per_pack = settings.answer.questions_per_pack
    history = fit(
        answerer, questions, bag_of, settings.stages, maker, per_pack, seed, device, state
    )
    return answerer, history
