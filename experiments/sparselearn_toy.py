"""How SparseLearn's settings fare on made-up bags with planted tokens.

    python experiments/sparselearn_toy.py [--case small] [--seeds 3] [--only default random]

A toy: it shows how the method's parts work together where the truth is known. It says nothing
about slides. Every bag is a mixture of five tissues; a share of its tokens carries the mark of
the bag's class (of three), and one token in twenty is an oddity that means nothing. Each row of
the table is a mean over the seeds, and every seed has its own world, training and test bags.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from slidesieve.bags import Bag, collate
from slidesieve.models.classifier import SlideClassifier
from slidesieve.reduction.sparselearn.mass import topk_mass
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

DIM = 130
CLASSES = ("a", "b", "c")
N_TISSUES = 5
TEST_BAGS = 150
AGGREGATOR = {"name": "abmil", "hidden_dim": 64, "attention_dim": 32}
SPECS: dict[str, dict[str, object]] = {
    "full bag": {"name": "none"},
    "random": {"name": "random", "k": 32},
    "farthest point": {"name": "farthest_point", "k": 32},
    "default": {"name": "sparselearn"},
    "drawn, not best": {"name": "sparselearn", "hard_mix_drawn": True},
    "no guided passes": {"name": "sparselearn", "guided_share": 0.0},
    "no hard passes": {"name": "sparselearn", "hard_mix_prob": 0.0},
    "no denoiser": {"name": "sparselearn", "denoiser": "none"},
    "scale gate": {"name": "sparselearn", "gate": "scale"},
    # A narrower scorer than the paper's, which takes minutes a fit on a CPU.
    "as written": {"name": "sparselearn", "preset": "as_written", "scorer_dim": 64},
}


@dataclass(frozen=True)
class Case:
    """Sizes of the bags of one toy.

    Attributes:
        train_bags: Number of bags to train on.
        tokens: Fewest and most tokens of a bag.
        marked: Least and greatest share of tokens that carry the class's mark.
        mark: Its length, in standard deviations of a token's noise.
        epochs: Passes over the training bags.
    """

    train_bags: int
    tokens: tuple[int, int]
    marked: tuple[float, float]
    mark: float
    epochs: int


CASES = {
    "small": Case(36, (60, 140), (0.05, 0.10), mark=4.0, epochs=100),
    "large": Case(48, (1000, 1000), (0.01, 0.05), mark=4.0, epochs=40),
}


def make_bags(
    case: Case, n_bags: int, world: int, seed: int
) -> tuple[list[Bag], list[NDArray[np.bool_]]]:
    """Return bags and which of their tokens are marked."""
    directions = np.linalg.qr(np.random.default_rng(world).normal(size=(DIM, DIM)))[0]
    marks = case.mark * directions[: len(CLASSES)]
    tissues = 4 * directions[len(CLASSES) :][:N_TISSUES]
    oddity = 8 * directions[-1]
    rng = np.random.default_rng([world, seed])
    bags, truth = [], []
    for i in range(n_bags):
        label = i % len(CLASSES)
        n_tokens = int(rng.integers(case.tokens[0], case.tokens[1] + 1))
        tissue = rng.choice(N_TISSUES, size=n_tokens, p=rng.dirichlet(np.full(N_TISSUES, 2.0)))
        features = rng.normal(size=(n_tokens, DIM)) + tissues[tissue]
        features[rng.random(n_tokens) < 0.05] += oddity
        marked = np.zeros(n_tokens, dtype=bool)
        n_marked = max(1, round(n_tokens * rng.uniform(*case.marked)))
        marked[rng.choice(n_tokens, n_marked, replace=False)] = True
        features[marked] += marks[label]
        place = np.arange(n_tokens)
        coords = np.stack([place % 50, place // 50], axis=1) * 256
        bags.append(Bag(f"s{i}", f"p{i}", label, features.astype(np.float32), coords))
        truth.append(marked)
    return bags, truth


@torch.no_grad()
def test_model(
    model: SlideClassifier, bags: list[Bag], truth: list[NDArray[np.bool_]]
) -> dict[str, float]:
    """Return accuracy of each path, and the share of the marked tokens that were kept."""
    model.eval()
    torch.manual_seed(0)
    rows = []
    for bag, marked in zip(bags, truth, strict=True):
        tokens = collate([bag])
        output, reduction = model(tokens)
        kept = (reduction.source[0] >= 0).numpy()
        row = {
            "hard": int(output.logits.argmax()) == bag.label_index,
            "recall": (kept & marked).sum() / min(marked.sum(), kept.sum()),
        }
        if hasattr(model.reducer, "soft"):
            scored = model.reducer.score(model.standardise(tokens))
            alpha = model.reducer.weights(*scored)
            paths = {
                "soft": model.reducer.soft(*scored),
                "hard, denoised": model.reducer.hard(*scored, denoise=True),
            }
            for name, reduced in paths.items():
                logits = model.aggregator(reduced.tokens).logits
                row[name] = int(logits.argmax()) == bag.label_index
            row["top-k mass"] = float(topk_mass(alpha, tokens.mask, model.reducer.settings.k))
        rows.append(row)
    return pd.DataFrame(rows).astype(float).mean().to_dict()


def run(case: Case, reducer: dict[str, object], seed: int) -> dict[str, float]:
    """Train on a seed's bags and test on others of the same world."""
    train, _ = make_bags(case, case.train_bags, world=seed, seed=0)
    test, truth = make_bags(case, TEST_BAGS, world=seed, seed=1)
    settings = TrainingSettings(epochs=case.epochs, seed=seed)
    spec = {"reducer": reducer, "aggregator": AGGREGATOR}
    start = time.perf_counter()
    fitted = fit_fold(spec, train, [], CLASSES, settings, torch.device("cpu"))
    seconds = time.perf_counter() - start
    return test_model(fitted.model, test, truth) | {"seconds": seconds}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, default="small")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=SPECS, default=list(SPECS))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        {"reducer": name, **run(CASES[chosen.case], SPECS[name], seed)}
        for name in chosen.only
        for seed in range(chosen.seeds)
    ]
    table = pd.DataFrame(rows).groupby("reducer", sort=False).mean()
    print(table.to_string(float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
