"""Questions as the language model reads them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.tiny_answerer import prompts, question, tiny_language
from slidesieve.errors import ConfigError
from slidesieve.vqa.model_settings import AnswerSettings
from slidesieve.vqa.prompt import PromptMaker


def decoded(ids):
    return tiny_language().tokenizer.decode(list(ids))


def test_the_image_comes_first_and_the_answer_last():
    prompt = prompts().prompt(question())
    assert decoded(prompt.before) == "<|im_start|>user\n"
    assert decoded(prompt.stem) == (
        "\nWhich pattern has the lesion?\nA. solid\nB. acinar\nC. large<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert decoded(prompts("text").wanted(prompt)) == "acinar<|im_end|>"
    assert decoded(prompts("letter").wanted(prompt)) == "B<|im_end|>"


def test_a_placeholder_in_the_question_is_no_second_image():
    prompt = prompts().prompt(question(text="Which pattern?\n<image>"))
    assert "<image>" not in decoded(prompt.stem)


def test_shuffled_options_keep_the_answer():
    rng = np.random.default_rng(0)
    shown = [prompts().shuffled(question(), rng) for _ in range(20)]
    assert {prompt.correct for prompt in shown} == {0, 1, 2}
    assert {prompt.options[prompt.correct] for prompt in shown} == {"acinar"}
    for prompt in shown:
        assert f"{'ABC'[prompt.correct]}. acinar" in decoded(prompt.stem)


def test_an_open_question_has_no_letters():
    prompt = prompts().prompt(question(options=(), answer="", answer_text="large and solid"))
    assert decoded(prompt.stem).startswith("\nWhich pattern has the lesion?<|im_end|>")
    assert decoded(prompts("letter").wanted(prompt)) == "large and solid<|im_end|>"


def test_options_may_be_kept_from_the_model():
    maker = PromptMaker(tiny_language().tokenizer, AnswerSettings(show_options=False))
    assert "solid" not in decoded(maker.prompt(question()).stem)


class Spelling:
    """A tokenizer that needs two tokens for the letter C."""

    def encode(self, text, add_special_tokens):
        return [1, 2] if text == "C" else [ord(text[0])]


def test_letters_of_several_tokens_are_refused():
    maker = PromptMaker(Spelling(), AnswerSettings())
    assert len(maker.letter_ids(2)) == 2
    with pytest.raises(ConfigError, match="letter C as several tokens"):
        maker.letter_ids(3)


def test_a_template_that_the_tokenizer_does_not_know_is_refused():
    tokenizer = tiny_language().tokenizer
    with pytest.raises(ConfigError, match="set template: chatml"):
        PromptMaker(tokenizer, AnswerSettings(), "own")
    tokenizer.chat_template = "{{ messages[0]['content'] }}##"
    own = PromptMaker(tokenizer, AnswerSettings(), "own").prompt(question())
    assert (own.before, decoded(own.stem)[-2:]) == ((), "##")
