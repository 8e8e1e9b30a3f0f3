"""What dtc_cost.py and sparselearn_cost.py share: models measured part by part, and the table."""

from __future__ import annotations

import argparse
import resource
import sys

import pandas as pd
import torch
from torch import nn

from slidesieve.inference.cost import PassCost, measure_long_pass, measure_pass, random_bag
from slidesieve.models.classifier import SlideClassifier, build_model
from slidesieve.runtime.devices import pick_device
from slidesieve.tokens import TokenBatch

DIM = 512
AGGREGATORS = ("abmil", "transformer", "transmil")
COLUMNS = {
    "gflops": "GFLOP",
    "peak_memory_mb": "MB",
    "resting_memory_mb": "resting MB",
    "latency_ms": "ms",
    "cpu_ms": "CPU ms",
}
# On a CPU, a pass over more tokens is long enough to be timed once, with nothing before it.
_SHORT_BAG = 20_000


class Reducer(nn.Module):
    """The part of a model before its aggregator, standardising included."""

    def __init__(self, model: SlideClassifier) -> None:
        super().__init__()
        self.standardise, self.reducer = model.standardise, model.reducer

    def forward(self, bag: TokenBatch) -> TokenBatch:
        """Return the tokens that are left."""
        return self.reducer.reduce(bag, self.standardise).tokens


def make_parser(description: str, tokens: list[int]) -> argparse.ArgumentParser:
    """Return a parser of the options that both benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=tokens, metavar="N")
    parser.add_argument("--aggregators", nargs="+", choices=AGGREGATORS, default=AGGREGATORS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--exact-up-to",
        type=int,
        default=50_000,
        metavar="N",
        help="most tokens that exact attention is run on (two minutes a pass at 100,000)",
    )
    parser.add_argument("--csv", help="also write the table here")
    return parser


@torch.no_grad()
def measure_model(
    reducer: dict[str, object], aggregator: dict[str, object], n_tokens: int, options: object
) -> dict[str, object]:
    """Measure a model in evaluation on one bag of half-precision tokens, whole and in parts.

    Args:
        reducer: Spec.
        aggregator: Spec.
        n_tokens: Tokens in the bag.
        options: From `make_parser`.

    Returns:
        tokens, left, and "<part> <measure>" for each part and measure, all of them missing where
        exact attention would see more tokens than the options allow.
    """
    device = pick_device(options.device)
    torch.manual_seed(0)
    model = build_model({"reducer": reducer, "aggregator": aggregator}, DIM, n_classes=2)
    # As a fitted model is loaded for use.
    model.drop_training_parts()
    model = model.to(device).eval()
    bag = random_bag(n_tokens, DIM)
    bag = bag.with_features(bag.features.half()).to(device)
    before = Reducer(model)
    left = before(bag)
    n_left = int(left.lengths[0])
    row = {"tokens": n_tokens, "left": n_left}
    if aggregator["name"] == "transformer" and n_left > options.exact_up_to:
        return row
    parts = {
        "reducer": (before, bag),
        "aggregator": (model.aggregator, left),
        "model": (model, bag),
    }
    if reducer["name"] == "none":
        del parts["reducer"], parts["aggregator"]
    for name, (part, given) in parts.items():
        row |= columns_of(name, _measure(part, given, n_tokens, options.threads))
    told = f"{reducer['name']} {aggregator['name']}: {n_tokens} → {n_left} tokens"
    costs = ", ".join(f"{row[f'model {unit}']:.4g} {unit}" for unit in COLUMNS.values())
    print(f"{told}: {costs}", file=sys.stderr)
    return row


def _measure(part: nn.Module, bag: TokenBatch, n_tokens: int, threads: int) -> PassCost:
    if n_tokens > _SHORT_BAG and not bag.features.is_cuda:
        return measure_long_pass(part, bag, threads)
    return measure_pass(part, bag, threads, repeats=3, warm_ups=1)


def columns_of(part: str, cost: PassCost) -> dict[str, float]:
    """Return a part's measures by the names of the table's columns."""
    return {f"{part} {column}": getattr(cost, name) for name, column in COLUMNS.items()}


def against_full(row: dict[str, object], full: dict[str, object]) -> dict[str, float]:
    """Return what a reduced model saves of the whole bag's: ratios, and what the reducer takes.

    "pass MB" is what a pass needs beside weights and bag, which are there whatever r. "reducer %
    of saved" is the CPU time of the reducer in per cent of what the aggregator saves.
    """
    if "model ms" not in row or "model ms" not in full:
        return {}
    saved = full["model CPU ms"] - row["aggregator CPU ms"]
    of_pass = row["model MB"] - row["model resting MB"]
    of_full_pass = full["model MB"] - full["model resting MB"]
    return {
        "GFLOP ÷": full["model GFLOP"] / row["model GFLOP"],
        "MB less %": 100 * (1 - row["model MB"] / full["model MB"]),
        "pass MB less %": 100 * (1 - of_pass / of_full_pass),
        "ms ÷": full["model ms"] / row["model ms"],
        "CPU ms ÷": full["model CPU ms"] / row["model CPU ms"],
        "reducer % of saved": 100 * row["reducer CPU ms"] / saved if saved > 0 else float("nan"),
    }


def print_table(rows: list[dict[str, object]], options: object) -> None:
    """Print the rows, the machine, and the most memory this process ever held."""
    table = pd.DataFrame(rows)
    device = pick_device(options.device)
    print(f"torch {torch.__version__}, {device}, {options.threads} threads, D = {DIM}, fp16 bags")
    costs = [name for name in table if name.endswith(tuple(COLUMNS.values()))]
    named = list(table)[: list(table).index("left") + 1]
    ratios = [name for name in table if name not in (*costs, *named)]
    for title, columns in (("costs", costs), ("savings", ratios)):
        part = table[named + columns].dropna(subset=columns, how="all")
        print(f"\n{title}:")
        print(part.to_string(index=False, na_rep="–", float_format=lambda value: f"{value:.4g}"))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"this process, torch and all that was measured included, held at most {held:.2f} GB")
    if options.csv:
        table.to_csv(options.csv, index=False)
