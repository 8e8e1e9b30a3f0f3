"""Time of `snakemake -n` for a cohort of the paper's size.

Peer: a dry run of 12,625 slides and three rules took 44 s and 660 MB in the field notes; the aim
for the whole chain is 90 s.

    python benchmarks/dry_run.py [--slides 12625]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[1]


def make_study(folder: Path, n_slides: int) -> None:
    """A sheet of empty slide files in two classes, and its config."""
    (folder / "slides").mkdir()
    lines = ["slide_id,patient_id,label,path"]
    for number in range(n_slides):
        path = f"slides/s{number}.svs"
        (folder / path).touch()
        lines.append(f"s{number},P{number},{'ab'[number % 2]},{path}")
    (folder / "slides.csv").write_text("\n".join(lines) + "\n")
    config = {
        "datasets": {"big": {"slides": "slides.csv", "classes": ["a", "b"]}},
        "encoders": ["colour_texture"],
        "models": {"abmil": {"aggregator": "abmil"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def main() -> None:
    """Make the study, dry-run it, print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=int, default=12_625)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_study(folder, options.slides)
        snakefile = str(REPO / "Snakefile")
        command = ["-m", "snakemake", "-n", "--quiet", "--snakefile", snakefile]
        start = time.perf_counter()
        subprocess.run([sys.executable, *command, "--directory", name], check=True)
        seconds = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{options.slides} slides: {seconds:.1f} s, {peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
