"""A short run of benchmarks/fuzz_reader.py: broken slides, and both readers of one opinion."""

from __future__ import annotations

import importlib.util


def test_readers_agree_on_broken_slides(repo, tmp_path):
    script = repo / "benchmarks" / "fuzz_reader.py"
    module = importlib.util.spec_from_file_location("fuzz_reader", script)
    fuzz_reader = importlib.util.module_from_spec(module)
    module.loader.exec_module(fuzz_reader)
    seeds = fuzz_reader.made_slides(tmp_path)
    seen = fuzz_reader.fuzz(seeds, tmp_path / "mutant.tiff", inputs=200, seed=0)
    # Each outcome occurs, so none of the comparisons was empty.
    for outcome in ("refused as slides", "opened by tiled", "regions alike", "regions refused"):
        assert seen[outcome] > 0
