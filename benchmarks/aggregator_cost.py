"""Time and memory of one pass of every aggregator, each in a process of its own.

python benchmarks/aggregator_cost.py [--tokens 14000] [--aggregators abmil clam …]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import torch
from torch.nn import functional

from slidesieve.aggregators.registry import AGGREGATORS
from slidesieve.inference.cost import random_bag
from slidesieve.models.classifier import build_model

_DIM = 512
_PREPARED_ON = 2000


def main() -> None:
    """Print a row per aggregator, or with --one measure one of them here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=14_000)
    parser.add_argument("--aggregators", nargs="+", choices=AGGREGATORS, default=list(AGGREGATORS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--training", action="store_true", help="with gradients")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        torch.set_num_threads(options.threads)
        print(row(options.one, options.tokens, options.training), flush=True)
        return
    print("| aggregator | CPU s | s | peak MB |\n|---|---|---|---|", flush=True)
    for name in options.aggregators:
        arguments = [*sys.argv, "--one", name]
        subprocess.run([sys.executable, *arguments], check=False)


def row(name: str, n_tokens: int, training: bool) -> str:
    """Measure one pass over a bag of so many tokens."""
    torch.manual_seed(0)
    model = build_model({"aggregator": name}, _DIM, n_classes=2)
    model.prepare([random_bag(_PREPARED_ON, _DIM)])
    model.train(training)
    model.schedule(0, 10)
    bag, labels = random_bag(n_tokens, _DIM), torch.tensor([0])
    cpu, wall = time.process_time(), time.perf_counter()
    with torch.set_grad_enabled(training):
        output, _ = model(bag, labels if training else None)
        if training:
            added = sum(output.losses.values())
            (functional.cross_entropy(output.logits, labels) + added).backward()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"| {name} | {cpu:.2f} | {wall:.2f} | {peak_mb:.0f} |"


if __name__ == "__main__":
    main()
