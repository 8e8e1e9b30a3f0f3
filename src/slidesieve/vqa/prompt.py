"""From a question to the tokens that a language model reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesieve.errors import ConfigError
from slidesieve.vqa.model_settings import AnswerSettings
from slidesieve.vqa.table import LETTERS, Question

IMAGE = "<image>"

_CHATML = "<|im_start|>user\n{message}<|im_end|>\n<|im_start|>assistant\n"
_CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")


@dataclass(frozen=True)
class Prompt:
    """A question as token ids, with its options in the order in which they are shown.

    Attributes:
        question: The question.
        order: Position in `question.options` of the option behind each letter.
        before: Ids in front of the image tokens, the same for all questions.
        stem: Ids behind them, up to where the answer begins.
    """

    question: Question
    order: tuple[int, ...]
    before: tuple[int, ...]
    stem: tuple[int, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """Texts of the options as shown."""
        return tuple(self.question.options[i] for i in self.order)

    @property
    def correct(self) -> int | None:
        """Place of the right option among those shown; None for an open question."""
        if not self.question.is_closed:
            return None
        return self.order.index(self.question.answer_index)


class PromptMaker:
    """Makes prompts for one tokenizer.

    The user's turn is `<image>`, the question, and one line per option with its letter. The image
    comes first, so that all questions of a slide share what stands before them (SlideChat does so).

    Args:
        tokenizer: Of the language model.
        answer: What the model is to say.
        template: "chatml", or "own" for the tokenizer's chat template.

    Raises:
        ConfigError: The tokenizer lacks what the template needs.
    """

    def __init__(self, tokenizer: Any, answer: AnswerSettings, template: str = "chatml") -> None:  # noqa: ANN401
        self._tokenizer = tokenizer
        self._answer = answer
        self._template = template
        if template == "chatml":
            missing = [mark for mark in _CHATML_TOKENS if len(self.ids(mark)) != 1]
            if missing:
                raise ConfigError(
                    [
                        f"the tokenizer does not know {' and '.join(missing)} of Qwen's chat "
                        "template; set template: own"
                    ]
                )
            self.end = self.ids(_CHATML_TOKENS[1])[0]
        elif not getattr(tokenizer, "chat_template", None):
            raise ConfigError(["the tokenizer has no chat template; set template: chatml"])
        else:
            self.end = tokenizer.eos_token_id

    def prompt(self, question: Question, order: Sequence[int] | None = None) -> Prompt:
        """Return the prompt of a question; its options stand in their own order by default."""
        order = tuple(range(len(question.options)) if order is None else order)
        lines = [question.question.replace(IMAGE, " ").strip()]
        if self._answer.show_options:
            lines += [f"{LETTERS[place]}. {question.options[i]}" for place, i in enumerate(order)]
        before, _, after = self._chat("\n".join([IMAGE, *lines])).partition(IMAGE)
        return Prompt(question, order, self.ids(before), self.ids(after))

    def shuffled(self, question: Question, rng: np.random.Generator) -> Prompt:
        """Return the prompt of a question for training, its options in a random order."""
        if not self._answer.shuffle_options:
            return self.prompt(question)
        return self.prompt(question, rng.permutation(len(question.options)).tolist())

    def wanted(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the ids of the answer that the model is to learn, with the end of its turn."""
        if prompt.correct is None:
            return self.written(prompt.question.answer_text)
        if self._answer.say == "letter":
            return self.written(LETTERS[prompt.correct])
        return self.written(prompt.options[prompt.correct])

    def written(self, text: str) -> tuple[int, ...]:
        """Return the ids of an answer and of the end of the turn."""
        return (*self.ids(text.strip()), self.end)

    def letter_ids(self, count: int) -> tuple[int, ...]:
        """Return the ids of the first letters.

        Raises:
            ConfigError: A letter is not one token of its own, so that letters cannot be compared.
        """
        found = {letter: self.ids(letter) for letter in LETTERS[:count]}
        broken = [letter for letter, ids in found.items() if len(ids) != 1]
        if broken:
            raise ConfigError(
                [
                    f"the tokenizer writes the letter {', '.join(broken)} as several tokens; "
                    "score options (vqa.score.method: option) or take another language model"
                ]
            )
        return tuple(ids[0] for ids in found.values())

    def text(self, ids: Sequence[int]) -> str:
        """Return what a model has written, up to the end of its turn."""
        ids = list(ids)
        ids = ids[: ids.index(self.end)] if self.end in ids else ids
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _chat(self, message: str) -> str:
        if self._template == "chatml":
            return _CHATML.format(message=message)
        turns = [{"role": "user", "content": message}]
        return self._tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )

    def ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of a text."""
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))
