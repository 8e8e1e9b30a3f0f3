"""Training speed: SlideSieve's loop against the field's, on the same features files.

Peer: the loop of CLAM and its descendants, written out here: a DataLoader gives one slide a step,
whose HDF5 file is opened each time, to a plain PyTorch ABMIL of the same widths. The machine's
clock is noisy, so the two take turns and the median epoch of each is reported. The field takes an
optimiser step a slide, ours one for `batch_slides` (4) of them. The rows "products" are the limit:
the model's matrix products and nothing else, by torch's default library and by the one we use.
Memory is the peak of a process of its own, imports included.

    python benchmarks/training_loop.py [--threads 2] [--tokens 100 500 14000]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from slidesieve.bags import load_bags
from slidesieve.nn import linear
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.store.features import FeatureSet, write_features
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

WIDTH = 512
CLASSES = ("a", "b")
ROUNDS = 3
# Few enough slides that an epoch takes well under a second. A model of the default config gets at
# least 50 epochs; where one takes longer than loading by far, fewer say the same.
SLIDES = {100: 64, 500: 32, 14_000: 4}
EPOCHS = {100: 50, 500: 20, 14_000: 4}


def write_cohort(folder: Path, n_slides: int, n_tokens: int) -> tuple[pd.DataFrame, dict]:
    """Features files of half to one and a half times `n_tokens` random tokens."""
    rng = np.random.default_rng(0)
    path_of, rows = {}, []
    for i in range(n_slides):
        length = int(rng.integers(n_tokens // 2, 3 * n_tokens // 2))
        features = rng.standard_normal((length, WIDTH), np.float32).astype(np.float16)
        slide_id = f"s{i}"
        path_of[slide_id] = folder / f"{slide_id}.h5"
        found = FeatureSet(slide_id, features, np.zeros((length, 2), np.int64))
        write_features(path_of[slide_id], found)
        rows.append((slide_id, slide_id, CLASSES[i % 2]))
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"]), path_of


class OneFileASlide(Dataset):
    """The field's dataset: opens a slide's file whenever it is asked for."""

    def __init__(self, table, path_of):
        self.paths = [path_of[slide_id] for slide_id in table["slide_id"]]
        self.labels = [CLASSES.index(label) for label in table["label"]]

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with h5py.File(self.paths[i], "r") as file:
            return torch.from_numpy(file["features"][:]).float(), self.labels[i]


class PlainABMIL(nn.Module):
    """Gated attention on one bag (N, D), as wide as ours."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(WIDTH, 512), nn.ReLU(), nn.Dropout(0.25))
        self.content = nn.Sequential(nn.Linear(512, 256), nn.Tanh(), nn.Dropout(0.25))
        self.gate = nn.Sequential(nn.Linear(512, 256), nn.Sigmoid(), nn.Dropout(0.25))
        self.score = nn.Linear(256, 1)
        self.classifier = nn.Linear(512, len(CLASSES))

    def forward(self, bag):
        """Return the logits (1, C) of a bag."""
        h = self.embed(bag)
        attention = self.score(self.content(h) * self.gate(h)).T.softmax(dim=1)
        return self.classifier(attention @ h)


def field_epochs(table, path_of, epochs, workers, device):
    """Seconds of each epoch of the field's loop."""
    model = PlainABMIL().to(device).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5)
    loader = DataLoader(
        OneFileASlide(table, path_of),
        batch_size=1,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )
    times = []
    for _ in range(epochs):
        start, total = time.perf_counter(), 0.0
        for bag, label in loader:
            bag, label = bag[0].to(device, non_blocking=True), label.to(device)
            loss = nn.functional.cross_entropy(model(bag), label)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
        times.append(time.perf_counter() - start)
    return times


def our_epochs(table, path_of, epochs, settings, device):
    """Seconds an epoch of our loop takes, loading of the bags included and shared out."""
    start = time.perf_counter()
    bags = load_bags(table, path_of, CLASSES, memory_budget_bytes=settings.preload_mb * 1e6)
    fit_fold({"aggregator": "abmil"}, bags, [], CLASSES, settings, device)
    return [(time.perf_counter() - start) / epochs]


def product_epochs(path_of, epochs, product):
    """Seconds of the matrix products of an epoch: forward, of the weights and of the inputs."""
    shapes = []
    for path in path_of.values():
        with h5py.File(path, "r") as file:
            shapes.append(file["features"].shape[0])
    # The embedding, whose input needs no gradient, and the two layers of the gated attention.
    layers = ((512, False), (256, True), (256, True))
    times = []
    for _ in range(epochs):
        total = 0.0
        for n_tokens in shapes:
            rows = torch.ones(n_tokens, WIDTH)
            for n_out, has_input_gradient in layers:
                weight, gradient = torch.ones(n_out, WIDTH), torch.ones(n_tokens, n_out)
                start = time.perf_counter()
                product(rows, weight)
                product(gradient.t(), rows.t())
                if has_input_gradient:
                    product(gradient, weight.t())
                total += time.perf_counter() - start
        times.append(total)
    return times


PRODUCTS = {"products, torch": nn.functional.linear, "products, oneDNN": linear._product}


def run(name, folder, n_tokens, epochs, device):
    """Seconds of epochs by one loop."""
    table = pd.read_csv(folder / "table.csv", dtype=str)
    path_of = {slide_id: folder / f"{slide_id}.h5" for slide_id in table["slide_id"]}
    if name.startswith("field"):
        return field_epochs(table, path_of, epochs, int(name.removeprefix("field-")), device)
    if name in PRODUCTS:
        return product_epochs(path_of, epochs, PRODUCTS[name])
    settings = TrainingSettings(
        epochs=epochs,
        preload_mb=0 if name == "ours, from disk" else 4000,
        cpu_bf16=name == "ours, bf16",
    )
    return our_epochs(table, path_of, epochs, settings, device)


def peak_mb(name, folder, n_tokens, threads, device):
    """Peak memory of a process that trains one epoch by one loop."""
    flags = ["--only", name, "--folder", str(folder), "--tokens", str(n_tokens)]
    flags += ["--threads", str(threads), "--device", device]
    command = [sys.executable, __file__, *flags]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def own_peak_mb():
    """Peak memory of this process: `ru_maxrss` would start at that of the process it came from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def compare(n_tokens, epochs, options):
    """Print a row a loop for bags of about `n_tokens` tokens."""
    device = pick_device(options.device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, _ = write_cohort(folder, SLIDES.get(n_tokens, 32), n_tokens)
        table.to_csv(folder / "table.csv", index=False)
        names = ("field-0", "field-2", "ours", "ours, from disk", "ours, bf16", *PRODUCTS)
        times = {name: [] for name in names}
        for _ in range(ROUNDS):
            for name in names:
                # The first epoch of the field's loop starts its workers: it is not counted.
                first = 1 if name.startswith("field") else 0
                times[name] += run(name, folder, n_tokens, epochs + first, device)[first:]
        seconds = {name: statistics.median(values) for name, values in times.items()}
        best_of_field = min(seconds["field-0"], seconds["field-2"])
        for name in names:
            memory = peak_mb(name, folder, n_tokens, options.threads, options.device)
            print(
                f"{n_tokens:6d}  {name:16s} {1 / seconds[name]:8.3f} epochs/s  "
                f"{best_of_field / seconds[name]:5.2f} x the field's best  {memory:6.0f} MB",
                flush=True,
            )


def main():
    """Measure and print a table, or train one epoch for its memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tokens", type=int, nargs="+", default=[100, 500, 14_000])
    parser.add_argument("--only", help="train one epoch by this loop and print the peak memory")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    set_threads(options.threads)
    if options.only:
        run(options.only, options.folder, options.tokens[0], 1, pick_device(options.device))
        print(own_peak_mb())
        return
    print(f"torch {torch.__version__}, {options.device}, {options.threads} threads")
    for n_tokens in options.tokens:
        compare(n_tokens, EPOCHS.get(n_tokens, 4), options)


if __name__ == "__main__":
    main()
