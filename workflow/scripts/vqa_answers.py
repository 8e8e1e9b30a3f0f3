"""Ask one trained model the test questions, with its slides and without."""

from pathlib import Path

from slidesieve.parsing.settings import parse_settings
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv
from slidesieve.vqa.answering import Answering
from slidesieve.vqa.answers_table import write_answers
from slidesieve.vqa.blind import donor_slides
from slidesieve.vqa.case_bags import CaseBags
from slidesieve.vqa.looked_at import telling_questions, tiles_looked_at, write_looked_at
from slidesieve.vqa.model import load_answerer
from slidesieve.vqa.model_settings import AnswerSettings, ScoreSettings
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.table import read_questions

log_to(snakemake.log[0])
set_threads(snakemake.threads)
settings = snakemake.params.settings
answer = parse_settings(AnswerSettings, settings["answer"])
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
bags = CaseBags(
    {row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"},
    settings["max_tokens"],
    memory_budget_bytes=snakemake.params.preload_mb * 1e6,
)
questions = [q for q in read_questions(Path(snakemake.input.questions)) if q.split == "test"]
questions = bags.answerable(questions)
answerer = load_answerer(Path(snakemake.input.model), pick_device(), training_parts=True)
asking = Answering(
    answerer=answerer,
    bag_of=bags.bag,
    donor_of=donor_slides(questions, snakemake.params.seed),
    maker=PromptMaker(answerer.tokenizer, answer, answerer.language.template),
    score=parse_settings(ScoreSettings, settings["score"]),
    questions_per_pack=answer.questions_per_pack,
)
rows = asking.rows(questions)
write_answers(Path(snakemake.output.answers), rows)
by_id = {question.question_id: question for question in questions}
shown = [by_id[name] for name in telling_questions(rows, asking.score.method)]
write_looked_at(Path(snakemake.output.looked_at), tiles_looked_at(answerer.model, bags, shown))
