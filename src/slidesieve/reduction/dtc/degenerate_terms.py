"""Warnings about terms of DTC-WSI that do nothing, as in the paper's own preset."""

from __future__ import annotations

import functools
import logging

from slidesieve.reduction.dtc.settings import DTCSettings

log = logging.getLogger(__name__)


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
