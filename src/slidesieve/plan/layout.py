"""Every path under results/, once and by name.

Patterns are relative to the folder in which the workflow runs; braces are Snakemake's wildcards.
Rules use a pattern as it is, `fill` gives the file of certain names, `below` the same file under
another folder of results.
"""

from __future__ import annotations

from pathlib import Path

RESULTS = "results"
_DATASET = f"{RESULTS}/{{dataset}}"

# The demo's slides are painted, so they are results too.
DEMO_SLIDE = f"{RESULTS}/demo/slides/{{slide}}.svs"
DEMO_TRUTH = f"{RESULTS}/demo/truth/{{slide}}.png"

# Slides
TISSUE = f"{_DATASET}/tissue/{{slide}}.geojson"
OVERVIEW = f"{_DATASET}/tissue/{{slide}}.jpg"
TILES = f"{_DATASET}/tiles/{{slide}}.h5"
TILE_INDEX = f"{_DATASET}/tiles.csv"
TILE_IMAGES = f"{_DATASET}/tile_images/{{slide}}.zip"
FEATURES = f"{_DATASET}/features/{{encoder}}/{{slide}}.h5"
FEATURE_INDEX = f"{_DATASET}/features/{{encoder}}.csv"
COHORT = f"{_DATASET}/cohort.csv"
COHORT_PAGE = f"{_DATASET}/figures/cohort.html"
TISSUE_MONTAGE = f"{_DATASET}/figures/tissue.jpg"

# Folds and models
FOLDS = f"{_DATASET}/folds.csv"
FOLD = f"{_DATASET}/models/{{encoder}}/{{model}}/fold_{{fold}}"
WEIGHTS = f"{FOLD}/weights.safetensors"
MODEL = f"{FOLD}/model.json"
HISTORY = f"{FOLD}/history.csv"
FIT_SECONDS = f"{FOLD}/seconds.json"
FOLD_PREDICTIONS = f"{FOLD}/predictions.csv"
VAL_PREDICTIONS = f"{FOLD}/val_predictions.csv"
FINAL = f"{_DATASET}/models/{{encoder}}/{{model}}/final"
FINAL_WEIGHTS = f"{FINAL}/weights.safetensors"
FINAL_MODEL = f"{FINAL}/model.json"
FINAL_HISTORY = f"{FINAL}/history.csv"
PREDICTIONS = f"{_DATASET}/predictions/{{encoder}}/{{model}}.csv"
# Of a dataset that is predicted by models from elsewhere: each model's own predictions.
PREDICTIONS_BY_FIT = f"{_DATASET}/predictions/{{encoder}}/{{model}}/by_fit.csv"

# Tables of a dataset
METRICS = f"{_DATASET}/metrics.csv"
SUMMARY = f"{_DATASET}/summary.csv"
COMPARISONS = f"{_DATASET}/comparisons.csv"
COST = f"{_DATASET}/cost.csv"
ENCODER_COMPARISONS = f"{_DATASET}/encoder_comparisons.csv"
ENCODER_DIFFERENCES_PLOT = f"{_DATASET}/figures/encoder_differences.png"
SITES = f"{_DATASET}/sites.csv"
EXTERNAL = f"{_DATASET}/external.csv"
EXTERNAL_PAGE = f"{_DATASET}/figures/external.html"
FITS = f"{_DATASET}/fits.csv"
CALIBRATION = f"{_DATASET}/calibration.csv"
HEADLINE = f"{_DATASET}/figures/headline.html"
SUMMARY_PAGE = f"{_DATASET}/figures/summary.html"
CALIBRATION_PAGE = f"{_DATASET}/figures/calibration.html"
COST_PAGE = f"{_DATASET}/figures/cost.html"
AUDIT = f"{_DATASET}/audit.csv"
AUDIT_LOG = f"{RESULTS}/audit.log"

# Pictures of a dataset and encoder
FIGURES = f"{_DATASET}/figures/{{encoder}}"
EXTERNAL_PLOT = f"{FIGURES}/external.png"
MODELS_PLOT = f"{FIGURES}/models.png"
ROC = f"{FIGURES}/roc/{{model}}.png"
CONFUSION = f"{FIGURES}/confusion/{{model}}.png"
HEATMAPS = f"{FIGURES}/heatmap"
K_SWEEP = f"{FIGURES}/k_sweep.png"
SLIDE_PAGES = f"{FIGURES}/slides"
ERRORS_PAGE = f"{FIGURES}/errors.html"

# Tokens
TOKENS = f"{_DATASET}/tokens/{{encoder}}/{{model}}/{{slide}}.h5"
TOKEN_MAP = f"{FIGURES}/tokens/{{model}}/{{slide}}.jpg"
TOKEN_GEOJSON = f"{FIGURES}/tokens/{{model}}/{{slide}}.geojson"
TOKEN_GALLERY = f"{FIGURES}/gallery/{{model}}/{{slide}}.jpg"
SIDE_BY_SIDE = f"{FIGURES}/side_by_side/{{slide}}.jpg"

# Diagnostics of selectors
_SELECTOR = f"{_DATASET}/selectors/{{encoder}}/{{model}}"
SELECTOR_AUDIT = f"{_SELECTOR}/audit.csv"
SELECTOR_SLIDES = f"{_SELECTOR}/slides.csv"
SELECTOR_PREDICTIONS = f"{_SELECTOR}/predictions.csv"
SELECTOR_FIGURE = f"{FIGURES}/selector/{{model}}.png"
SELECTORS = f"{_DATASET}/selectors.csv"
SELECTORS_FIGURE = f"{_DATASET}/figures/selectors.png"

# Tables in the shape of a paper's
PAPER_TABLE_FOLDER = f"{_DATASET}/paper_tables/{{paper_table}}"
PAPER_TABLE = f"{PAPER_TABLE_FOLDER}.csv"
PAPER_TABLE_FIGURE = f"{PAPER_TABLE_FOLDER}.png"
PAPER_TABLE_PAGE = f"{PAPER_TABLE_FOLDER}.html"
PAPER_METRICS = f"{PAPER_TABLE_FOLDER}/metrics.csv"
PAPER_SUMMARY = f"{PAPER_TABLE_FOLDER}/summary.csv"
PAPER_COMPARISONS = f"{PAPER_TABLE_FOLDER}/comparisons.csv"
PAPER_COST = f"{PAPER_TABLE_FOLDER}/cost.csv"
PAPER_SELECTORS = f"{PAPER_TABLE_FOLDER}/selectors.csv"
PAPER_SELECTORS_FIGURE = f"{PAPER_TABLE_FOLDER}/selectors.png"
PAPER_K_SWEEP = f"{PAPER_TABLE_FOLDER}/k_sweep/{{encoder}}.png"

# Slide question answering
_VQA = f"{_DATASET}/vqa"
VQA_QUESTIONS = f"{_VQA}/questions.csv"
VQA_FINDINGS = f"{_VQA}/findings.csv"
VQA_SOURCES = f"{_VQA}/questions.json"
VQA_LEARNT_FROM = f"{_VQA}/training_questions.sha256"
VQA_LANGUAGE = f"{_VQA}/languages/{{language}}"
VQA_MODEL_FOLDER = f"{_VQA}/{{encoder}}/{{vqa_model}}/model"
VQA_HISTORY = f"{_VQA}/{{encoder}}/{{vqa_model}}/history.csv"
VQA_STATE = f"{_VQA}/{{encoder}}/{{vqa_model}}/state.safetensors"
VQA_ANSWERS = f"{_VQA}/{{encoder}}/{{vqa_model}}/answers.csv"
VQA_SCORES = f"{_VQA}/scores.csv"
VQA_COMPARISONS = f"{_VQA}/comparisons.csv"
VQA_LOOKED_AT = f"{_VQA}/{{encoder}}/{{vqa_model}}/looked_at.csv"
VQA_ANSWERS_PAGE = f"{_VQA}/{{encoder}}/{{vqa_model}}/answers.html"
VQA_SCORES_PAGE = f"{_VQA}/scores.html"
VQA_SCORES_PLOT = f"{_VQA}/{{encoder}}/scores.png"


def log(rule: str, *names: str) -> str:
    """Pattern of a rule's log file; `names` are wildcards, or text with wildcards in braces."""
    return f"{_DATASET}/logs/{_place(rule, names)}.log"


def benchmark(rule: str, *names: str) -> str:
    """Pattern of the file of time and memory that Snakemake measures for a rule."""
    return f"{_DATASET}/benchmarks/{_place(rule, names)}.tsv"


def fill(pattern: str, **names: object) -> str:
    """Put names into a pattern; a name that is not given stays a wildcard."""
    for name, value in names.items():
        pattern = pattern.replace(f"{{{name}}}", str(value))
    return pattern


def below(results: Path, pattern: str, **names: object) -> Path:
    """The file of a filled pattern, in a folder of results that may lie elsewhere."""
    return results / fill(pattern, **names).removeprefix(f"{RESULTS}/")


def _place(rule: str, names: tuple[str, ...]) -> str:
    return "/".join([rule, *(name if "{" in name else f"{{{name}}}" for name in names)])
