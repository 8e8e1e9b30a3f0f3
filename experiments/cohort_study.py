"""What the two cohort benchmarks share: the models, the workflow's run, the table with intervals.

`real_tissue.py` (mosaics of labelled tiles) and `painted_cohort.py` write a cohort of known truth;
this compares reducers on it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from tqdm import tqdm

from slidesieve.bags import collate, load_bags
from slidesieve.selector_diagnostics.truth import read_truth, truth_tiles
from slidesieve.splits.folds import fold_columns
from slidesieve.statistics.bootstrap import percentile_interval
from slidesieve.statistics.comparisons import compare_models
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import load_model
from slidesieve.training.prediction import balanced_accuracy

REPO = Path(__file__).resolve().parents[1]
ENCODER = "colour_texture"
DATASET = "known"
ABMIL = {"name": "abmil", "hidden_dim": 128, "attention_dim": 64}
RETENTION, K = 0.4, 32
REDUCERS = {
    "abmil": {"name": "none"},
    "dtc": {"name": "dtc", "retention": RETENTION},
    "dtc_as_written": {"name": "dtc", "preset": "as_written", "retention": RETENTION},
    "random_r": {"name": "random", "retention": RETENTION},
    "sparselearn": {"name": "sparselearn", "k": K},
    # The paper's scorer is 512 wide, which takes hours on a CPU.
    "sparselearn_as_written": {
        **{"name": "sparselearn", "preset": "as_written", "k": K},
        "scorer_dim": 64,
    },
    "random_k": {"name": "random", "k": K},
    "uniform_k": {"name": "uniform", "k": K},
    "farthest_k": {"name": "farthest_point", "k": K},
}
MODELS = {
    "mean": {"aggregator": {"name": "mean", "hidden_dim": 128}},
    **{name: {"reducer": spec, "aggregator": ABMIL} for name, spec in REDUCERS.items()},
}
REFERENCES = {
    "abmil": tuple(MODELS),
    "dtc": ("dtc_as_written", "random_r"),
    "sparselearn": ("sparselearn_as_written", "random_k", "uniform_k", "farthest_k"),
}
"""What is compared with what: everything with the full bag, and with a method what shares its
budget."""
METRICS = ("balanced_accuracy", "auc_macro_ovr")
EVALUATION = {"bootstrap": 2000, "seed": 0, "compare_to": "abmil"}


def write_once(note: Path, described: str, write: Callable[[], object]) -> None:
    """Write a cohort and a note of what it is; one that is there stays, another is refused."""
    if not note.exists():
        write()
        note.write_text(described)
    elif note.read_text() != described:
        raise SystemExit(f"{note.parent} holds another cohort, see {note}; give another --work")


def write_config(work: Path, dataset: dict, models) -> None:
    """Write config.yaml of a study of one dataset, the others' settings being the house's."""
    config = {
        "datasets": {DATASET: dataset},
        "encoders": [ENCODER],
        "models": {name: MODELS[name] for name in models},
        "evaluation": EVALUATION,
        "report": {"heatmap_model": "abmil"},
    }
    (work / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def compare(work: Path, cores: int):
    """Run the workflow on a written cohort, write comparison.csv and print it."""
    run_workflow(work, cores, ["cohort", "summary", "comparisons"])
    table = results(work)
    write_csv(work / "comparison.csv", table)
    print(as_markdown(table))


def run_workflow(work: Path, cores: int, tables):
    """Run our Snakefile in a folder, up to some tables of the dataset."""
    targets = [f"results/{DATASET}/{name}.csv" for name in tables]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")]
    command += ["--directory", str(work), "--cores", str(cores), "--quiet", "all", "--", *targets]
    subprocess.run(command, check=True)


def results(work: Path):
    """Return a row per model from what the workflow wrote."""
    folder = work / "results" / DATASET
    config = yaml.safe_load((work / "config.yaml").read_text())
    classes, models = config["datasets"][DATASET]["classes"], list(config["models"])
    summary = read_csv(folder / "summary.csv").query("level == 'patient'")
    table = summary.pivot(index="model", columns="metric", values=["pooled", "ci_low", "ci_high"])
    predictions = {m: read_csv(folder / "predictions" / ENCODER / f"{m}.csv") for m in models}
    differences = paired_differences(predictions, classes)
    kept = recall_of_tumour(work, [m for m in models if m in REDUCERS], classes)
    rows = []
    for model in models:
        row = {"model": model}
        for metric in METRICS:
            row |= {
                f"{metric}{end}": table.loc[model, (value, metric)]
                for end, value in (("", "pooled"), ("_low", "ci_low"), ("_high", "ci_high"))
            }
        rows.append(row | differences.get(model, {}) | kept.get(model, {}))
    return pd.DataFrame(rows)


def paired_differences(predictions, classes):
    """Return, by model, its balanced accuracy minus each reference's, with its interval."""
    found = {}
    for reference, others in REFERENCES.items():
        models = [m for m in others if m in predictions and m != reference]
        if reference not in predictions or not models:
            continue
        group = {m: predictions[m] for m in [reference, *models]}
        table = compare_models(
            group, reference, classes, EVALUATION["bootstrap"], EVALUATION["seed"], ENCODER
        )
        chosen = table.query("level == 'patient' and metric == 'balanced_accuracy'")
        for row in chosen.itertuples():
            ends = {"": row.difference, "_low": row.ci_low, "_high": row.ci_high}
            found.setdefault(row.model_a, {}).update(
                {f"minus_{reference}{end}": value for end, value in ends.items()}
            )
    return found


@torch.no_grad()
def recall_of_tumour(work: Path, models, classes):
    """Return, by model, which share of a slide's tumour tiles its reducer kept.

    The mean over the slides with tumour, each asked of the model that had it in its test part,
    its interval, and for SparseLearn the balanced accuracy of the soft path.
    """
    folder = work / "results" / DATASET
    folds = read_csv(folder / "folds.csv")
    index = read_csv(folder / "features" / f"{ENCODER}.csv")
    path_of = {row.slide_id: work / row.path for row in index.itertuples()}
    bags = load_bags(folds, path_of, classes)
    truth = {bag.slide_id: _truth_of(work, path_of[bag.slide_id], bag) for bag in bags}
    found = {}
    for model in tqdm(models, desc="recall", disable=None):
        shares, soft = [], []
        for fold, name in enumerate(fold_columns(folds)):
            path = folder / "models" / ENCODER / model / f"fold_{fold}"
            fitted = load_model(path, training_parts=True).model
            tested = set(folds.loc[folds[name] == "test", "slide_id"])
            for bag in (bag for bag in bags if bag.slide_id in tested):
                tokens = collate([bag])
                source = fitted(tokens)[1].source[0].numpy()
                if truth[bag.slide_id].any():
                    shares.append((source[truth[bag.slide_id]] >= 0).mean())
                if hasattr(fitted.reducer, "soft"):
                    soft.append((bag.label_index, _soft_prediction(fitted, tokens)))
        found[model] = _mean_with_interval(np.array(shares))
        if soft:
            found[model]["soft_balanced_accuracy"] = balanced_accuracy(*np.array(soft).T)
    return found


def _truth_of(root: Path, features: Path, bag):
    mask = read_truth(root / "truth" / f"{bag.slide_id}.png")
    place = read_features(features).tile_attributes
    return truth_tiles(mask, bag.coords, place)


def _soft_prediction(model, tokens):
    torch.manual_seed(0)
    reducer = model.reducer
    scored = reducer.score(model.standardise(tokens))
    return int(model.aggregator(reducer.soft(*scored).tokens).logits.argmax())


def _mean_with_interval(values):
    rng = np.random.default_rng(EVALUATION["seed"])
    drawn = rng.choice(values, (EVALUATION["bootstrap"], len(values))).mean(axis=1)
    low, high = percentile_interval(drawn)
    return {"recall": values.mean(), "recall_low": low, "recall_high": high}


def as_markdown(table):
    """Return the table with every value beside its interval."""
    named = {
        "balanced accuracy": "balanced_accuracy",
        "AUC": "auc_macro_ovr",
        "minus abmil": "minus_abmil",
        "minus dtc": "minus_dtc",
        "minus sparselearn": "minus_sparselearn",
        "tumour tiles kept": "recall",
    }
    lines = [f"| model | {' | '.join(named)} | soft path |", "|" + "---|" * (len(named) + 2)]
    for _, row in table.iterrows():
        cells = [_cell(row, column) for column in named.values()]
        soft = row.get("soft_balanced_accuracy")
        cells.append("" if pd.isna(soft) else f"{soft:.3f}")
        lines.append(f"| {row['model']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row, column):
    if pd.isna(row.get(column)):
        return ""
    return f"{row[column]:.3f} ({row[f'{column}_low']:.3f} to {row[f'{column}_high']:.3f})"
