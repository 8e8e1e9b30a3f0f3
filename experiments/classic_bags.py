"""MUSK1 and Elephant: bags of other fields, with the stored folds.

    python experiments/classic_bags.py --data FOLDER_OF_REAL_DATA [--repeats 1]

Prints the accuracy over the test bags of all folds, per model, with the 95 % interval of bags drawn
anew. Fits have no validation part and keep their last epoch. Bags have 5 to 7 instances on
average: k is 2.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from slidesieve.bags import Bag
from slidesieve.statistics.bootstrap import percentile_interval
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

_SETS = ("musk1", "elephant")
_CLASSES = ("negative", "positive")
_CPU = torch.device("cpu")
_DRAWS = 2000
_K, _RETENTION = 2, 0.4
_ABMIL = {"name": "abmil", "hidden_dim": 64, "attention_dim": 64}
_REDUCERS: dict[str, Mapping[str, object]] = {
    "abmil": {"name": "none"},
    "dtc": {"name": "dtc", "retention": _RETENTION},
    "dtc as_written": {"name": "dtc", "preset": "as_written", "retention": _RETENTION},
    "random 40 %": {"name": "random", "retention": _RETENTION},
    "sparselearn": {"name": "sparselearn", "k": _K},
    "random k": {"name": "random", "k": _K},
    "farthest point k": {"name": "farthest_point", "k": _K},
}
_AGGREGATORS: dict[str, Mapping[str, object]] = {
    "clam": {"name": "clam", "hidden_dim": 64, "attention_dim": 64},
    "dsmil": {"name": "dsmil"},
    "panther": {"name": "panther", "prototypes": 8},
    "mhim": {"name": "mhim", "hidden_dim": 64, "attention_dim": 64},
}
_MODELS: dict[str, Mapping[str, object]] = {
    **{name: {"reducer": spec, "aggregator": _ABMIL} for name, spec in _REDUCERS.items()},
    **{name: {"aggregator": spec} for name, spec in _AGGREGATORS.items()},
}


def main() -> None:
    """Fit all models on all folds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=list(_SETS), choices=_SETS)
    parser.add_argument("--models", nargs="*", default=list(_MODELS), choices=_MODELS)
    parser.add_argument("--repeats", type=int, default=1, help="of the stored ones, of ten folds")
    parser.add_argument("--epochs", type=int, default=TrainingSettings.epochs)
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = TrainingSettings(epochs=options.epochs)
    rows = []
    for name in options.sets:
        bags, folds = read_bags(options.data / "mil" / f"{name}.npz", options.repeats)
        for model in options.models:
            spec = _MODELS[model]
            parts = tqdm(folds, desc=f"{name}, {model}", disable=None)
            right = pd.concat([tested(bags, train, spec, settings) for train in parts])
            rows.append({"bags": name, "model": model, "accuracy": with_interval(right)})
    print(pd.DataFrame(rows).to_markdown(index=False))


def read_bags(path: Path, repeats: int) -> tuple[list[Bag], list[NDArray[np.bool_]]]:
    """Return the bags of a set, and of each fold which of them are trained on."""
    with np.load(path) as stored:
        instances, bag_of, labels = stored["X"], stored["bag"], stored["y"]
        train = stored["train_folds"][:repeats].reshape(-1, len(labels)).astype(bool)
    names = np.unique(bag_of)
    bags = []
    for name, label in zip(names, labels, strict=True):
        own = instances[bag_of == name].astype(np.float32)
        nowhere = np.zeros((len(own), 2), np.int64)
        bags.append(Bag(str(name), str(name), int(label > 0), own, nowhere))
    return bags, list(train)


def tested(
    bags: list[Bag],
    train: NDArray[np.bool_],
    spec: Mapping[str, object],
    settings: TrainingSettings,
) -> pd.Series:
    """Fit one fold; return, by bag tested, whether it was told right."""
    parts: dict[bool, list[Bag]] = {True: [], False: []}
    for bag, is_trained_on in zip(bags, train, strict=True):
        parts[bool(is_trained_on)].append(bag)
    fitted = fit_fold(spec, parts[True], [], _CLASSES, settings, _CPU)
    table = predict(fitted, parts[False], settings, _CPU).set_index("slide_id")
    return table["prediction"] == table["label"]


def with_interval(right: pd.Series) -> str:
    """Return the mean with the interval of bags drawn with all their repeats."""
    of_bag = right.groupby(level=0).mean().to_numpy()
    rng = np.random.default_rng(0)
    drawn = of_bag[rng.integers(len(of_bag), size=(_DRAWS, len(of_bag)))].mean(axis=1)
    low, high = percentile_interval(drawn)
    return f"{of_bag.mean():.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
