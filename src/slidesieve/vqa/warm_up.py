"""The first lessons of a language model made from nothing: how questions and answers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from tqdm import tqdm

from slidesieve.errors import ContractError
from slidesieve.runtime.devices import make_deterministic
from slidesieve.vqa.language import Language, build_demo_language
from slidesieve.vqa.model_settings import AnswerSettings, BuiltLanguage, LanguageSettings
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.schedule import rate_factor
from slidesieve.vqa.table import CAPTION, LETTERS, Question

_NO_LABEL = -100
_RISING_SHARE = 0.1
_READING_SHARE = 0.5


def make_language(
    questions: Sequence[Question], settings: LanguageSettings, answer: AnswerSettings
) -> Language:
    """Make a language model from nothing, out of the words of training questions.

    Args:
        questions: Training questions, captions among them if there are any.
        settings: With `build`.
        answer: What models are to say.

    Raises:
        ContractError: There are no training questions.
    """
    if settings.build is None or not any(q.category != CAPTION for q in questions):
        raise ContractError("a language model is made from training questions; there are none")
    words = [text for q in questions for text in (q.question, *q.options, q.answer_text)]
    corpus = [*words, " ".join(f"{letter}." for letter in LETTERS)]
    language = build_demo_language(corpus, settings.build, settings.attention)
    maker = PromptMaker(language.tokenizer, answer, settings.template)
    warm_up(language, questions, maker, settings.build)
    return language


def warm_up(
    language: Language,
    questions: Sequence[Question],
    maker: PromptMaker,
    settings: BuiltLanguage,
) -> float:
    """Train a language model on the text of training questions with their answers, in place.

    No slide is shown. Half of the questions stand alone: from them it learns the words, and that an
    answer is one of the options. In front of the others, where the image tokens will be, stands
    the caption of their slide, if there is one: from them it learns to answer by what it has read.

    Args:
        language: The model.
        questions: Training questions.
        maker: Makes prompts.
        settings: Steps, batch, rate and seed.

    Returns:
        Loss of the last step, −log p per token; NaN without steps.
    """
    make_deterministic()
    model, rng = language.model.train(), np.random.default_rng([settings.seed, 2])
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    captions = {q.slide_ids: q.answer_text for q in questions if q.category == CAPTION}
    asked = [question for question in questions if question.category != CAPTION]
    loss = torch.tensor(float("nan"))
    for step in tqdm(range(settings.steps), desc="language", disable=None):
        drawn = [asked[i] for i in rng.integers(len(asked), size=settings.batch)]
        ids, mask = _padded([_text(question, captions, maker, rng) for question in drawn])
        labels = ids.masked_fill(~mask, _NO_LABEL)
        loss = model(input_ids=ids, attention_mask=mask.long(), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * rate_factor(step, settings.steps, _RISING_SHARE)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    model.eval()
    return float(loss.detach())


def _text(
    question: Question,
    captions: Mapping[tuple[str, ...], str],
    maker: PromptMaker,
    rng: np.random.Generator,
) -> tuple[int, ...]:
    prompt = maker.shuffled(question, rng)
    caption = captions.get(question.slide_ids, "") if rng.random() < _READING_SHARE else ""
    read = maker.ids(caption)
    return (*prompt.before, *read, *prompt.stem, *maker.wanted(prompt))


def _padded(texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids (B, L), zeros at the end, and which of them are real."""
    longest = max(map(len, texts))
    ids = torch.tensor([[*text, *[0] * (longest - len(text))] for text in texts])
    lengths = torch.tensor([len(text) for text in texts])
    return ids, torch.arange(longest) < lengths[:, None]
