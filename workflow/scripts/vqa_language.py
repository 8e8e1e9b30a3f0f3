"""Make a small language model from nothing, out of the training questions."""

from pathlib import Path

from slidesieve.parsing.settings import parse_settings
from slidesieve.runtime.devices import set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.vqa.language import save_language
from slidesieve.vqa.model_settings import AnswerSettings, LanguageSettings
from slidesieve.vqa.table import read_questions
from slidesieve.vqa.warm_up import make_language

log_to(snakemake.log[0])
set_threads(snakemake.threads)
settings = snakemake.params.settings
questions = read_questions(Path(snakemake.input.questions))
language = make_language(
    [question for question in questions if question.split == "train"],
    parse_settings(LanguageSettings, settings["language"]),
    parse_settings(AnswerSettings, settings["answer"]),
)
save_language(Path(snakemake.output.language), language)
