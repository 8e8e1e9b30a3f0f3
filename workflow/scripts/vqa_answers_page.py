"""Show some answers of one model, with the tiles it looked at, as a page of the report."""

from pathlib import Path

from slidesieve.bags import bag_of_slide
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.vqa.answers_page import ShownAnswer, answers_page, shown_probabilities
from slidesieve.vqa.answers_table import OWN, read_answers
from slidesieve.vqa.looked_at import read_looked_at
from slidesieve.vqa.table import read_questions
from slidesieve.vqa.tile_map import tile_map
from slidesieve.vqa.tile_pictures import tile_pictures

log_to(snakemake.log[0])
names = snakemake.wildcards
questions = {q.question_id: q for q in read_questions(Path(snakemake.input.questions))}
answers = read_answers(Path(snakemake.input.answers))
is_own = (answers["path"] == OWN) & (answers["method"] == snakemake.params.method)
answers = answers[is_own].set_index("question_id")
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path"]).set_index("slide_id")
slides = dict(snakemake.params.slides)


def shown(question_id, looked_at):
    """Put together what the page says of one question."""
    question, row = questions[question_id], answers.loc[question_id]
    maps, tiles = {}, ""
    for slide_id, of_slide in looked_at.groupby("slide_id", sort=False):
        features = read_features(Path(index.loc[slide_id, "path"]))
        used = of_slide[["x", "y"]].to_numpy()
        maps[slide_id] = tile_map(features.coords, used, bag_of_slide(features).pitch)
        if slide_id in slides:
            path = Path(slides[slide_id])
            tiles += tile_pictures(path, slide_id, used, features.tile_attributes)
    probabilities = shown_probabilities(row, len(question.options))
    tokens = (int(row["tokens_in"]), int(row["tokens_kept"]))
    prediction = "" if row["prediction"] != row["prediction"] else row["prediction"]
    return ShownAnswer(question, probabilities, prediction, tokens, maps, tiles)


looked_at = read_looked_at(Path(snakemake.input.looked_at))
answers_page(
    [shown(*group) for group in looked_at.groupby("question_id", sort=False)],
    f"{names.dataset}, {names.encoder}: answers of {names.vqa_model}",
    Path(snakemake.output.page),
)
