"""Training speed: packed batches against the field's habit of one slide per step.

Run: python benchmarks/training_loop.py [--slides 64] [--threads 1]
Prints epochs per second of both and their ratio, for an ABMIL on features of width 512. The
machine's clock is noisy, so the two take turns and the median of their epochs is reported.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from slidesieve.bags import Bag
from slidesieve.devices import pick_device, set_threads
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

WIDTH = 512
CLASSES = ("a", "b")
ROUNDS = 5
EPOCHS = 3


def make_bags(n_slides, n_tokens):
    """Return random bags of half to one and a half times `n_tokens` tokens."""
    rng = np.random.default_rng(0)
    bags = []
    for i in range(n_slides):
        length = int(rng.integers(n_tokens // 2, 3 * n_tokens // 2))
        features = rng.standard_normal((length, WIDTH)).astype(np.float16)
        coords = np.zeros((length, 2), dtype=np.int64)
        bags.append(Bag(f"s{i}", f"s{i}", i % 2, features, coords))
    return bags


def seconds_per_epoch(bags, batch_slides, device):
    """Return the time of one epoch of training."""
    settings = TrainingSettings(epochs=EPOCHS, batch_slides=batch_slides)
    start = time.perf_counter()
    fit_fold({"aggregator": "abmil"}, bags, [], CLASSES, settings, device)
    return (time.perf_counter() - start) / EPOCHS


def main():
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    device = pick_device(arguments.device)
    print(f"torch {torch.__version__}, {device}, {arguments.threads} threads")
    print("tokens  packed (epochs/s)  one slide a step (epochs/s)  ratio")
    for n_tokens in (100, 500):
        bags = make_bags(arguments.slides, n_tokens)
        seconds_per_epoch(bags, 16, device)
        packed, single = [], []
        for _ in range(ROUNDS):
            packed.append(seconds_per_epoch(bags, 16, device))
            single.append(seconds_per_epoch(bags, 1, device))
        rates = [1 / statistics.median(times) for times in (packed, single)]
        print(f"{n_tokens:6d}  {rates[0]:17.2f}  {rates[1]:27.2f}  {rates[0] / rates[1]:5.2f}")


if __name__ == "__main__":
    main()
