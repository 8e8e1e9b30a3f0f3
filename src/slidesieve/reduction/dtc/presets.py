"""The two presets of DTC-WSI, and warnings about what the paper's own does not do."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slidesieve.errors import ConfigError
from slidesieve.reduction.dtc.settings import DTCSettings

log = logging.getLogger(__name__)

PRESETS: dict[str, DTCSettings] = {
    "default": DTCSettings(),
    "as_written": DTCSettings(
        merge_fraction=1.0,
        utility_importance="raw",
        merged_importance="mean",
        order="merged_first",
        gate_input="raw",
        # The paper gives no τ. Any τ that tokens with α near 1/N do not reach makes features
        # vanish; 0 at least leaves them a constant factor of about ½ per stage.
        gate_threshold=0.0,
        gate_normalise="none",
        gate_feeds_back=True,
        gate_at_inference=False,
        train_hard_prune=False,
        sparsity="l1_softmax",
        guided_share=0.0,
        guidance_weight=0.0,
        compression_start=0.0,
        compression_end=0.0,
    ),
}


def resolve_settings(preset: str, switches: Mapping[str, Any]) -> DTCSettings:
    """Return a preset with some of its switches set otherwise.

    Raises:
        ConfigError: The preset or a value is unknown or out of range.
    """
    if preset not in PRESETS:
        listed = ", ".join(PRESETS)
        raise ConfigError([f"reducer dtc: preset is {preset!r}; allowed: {listed}"])
    return replace(PRESETS[preset], **switches)


def degenerate_terms(settings: DTCSettings) -> dict[str, str]:
    """Return the terms that do nothing, or not what they are for, by section of the docs."""
    terms = {
        "3.2": (
            settings.merge_fraction == 1 and settings.pair_budget == "needed",
            "merge_fraction is 1: merging alone reaches the target count, pruning drops nothing",
        ),
        "3.3": (
            settings.pair_budget == "all",
            "pair_budget is all: every stage halves the tokens, whatever the retention",
        ),
        "3.5": (
            settings.sparsity == "l1_softmax",
            "sparsity is l1_softmax: the l1 norm of a softmax is 1, its gradient 0",
        ),
        "3.6": (
            settings.gate_input == "raw",
            "gate_input is raw: importance is near 1/N, so the gate is the same for all tokens",
        ),
        "3.7": (
            settings.utility_importance == "raw",
            "utility_importance is raw: differences of importance near 1/N do not count beside "
            "cosine similarity",
        ),
        "3.9": (
            settings.gate_input != "none" and not settings.gate_at_inference,
            "gate_at_inference is false: training scales tokens, evaluation does not",
        ),
    }
    return {section: message for section, (is_so, message) in terms.items() if is_so}


def warn_of_degenerate_terms(settings: DTCSettings) -> None:
    """Log each degenerate term, once per process."""
    for section, message in degenerate_terms(settings).items():
        _warn_once(f"dtc: {message} (docs/explanation/dtc-wsi.md, section {section})")


@functools.cache
def _warn_once(message: str) -> None:
    log.warning(message)
