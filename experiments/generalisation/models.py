"""Models that the suite compares."""

from __future__ import annotations

ABMIL = {"name": "abmil", "hidden_dim": 128, "attention_dim": 64}
RETENTION, K = 0.4, 32
REDUCERS: dict[str, dict[str, object]] = {
    "abmil": {"name": "none"},
    "dtc": {"name": "dtc", "retention": RETENTION},
    # As both were trained before guided passes.
    "dtc_before": {
        **{"name": "dtc", "retention": RETENTION, "train_hard_prune": False},
        **{"guided_share": 0.0, "compression_start": 0.0, "compression_end": 0.0},
    },
    "sparselearn_before": {
        **{"name": "sparselearn", "k": K, "guided_share": 0.0, "hard_mix_drawn": True}
    },
    "dtc_as_written": {"name": "dtc", "preset": "as_written", "retention": RETENTION},
    "random_r": {"name": "random", "retention": RETENTION},
    "sparselearn": {"name": "sparselearn", "k": K},
    "random_k": {"name": "random", "k": K},
    "farthest_k": {"name": "farthest_point", "k": K},
}


def spec_of(reducer: dict[str, object]) -> dict[str, object]:
    """Return the spec of a slide classifier with a reducer."""
    return {"reducer": reducer, "aggregator": ABMIL}
