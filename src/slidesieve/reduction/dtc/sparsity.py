"""The sparsity terms of the loss: what the paper writes and what can take its place."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def sparsity_of_stage(kind: str, log_importance: Tensor, mean_gate: Tensor | None) -> Tensor:
    """Return one stage's term, averaged over slides, a scalar; smaller is more selective.

    entropy: −Σ α log α / log N, from 1 (all alike) to 0 (one token).
    gate_l1: mean of the gate.
    hoyer: (‖α‖₁/‖α‖₂ − 1) / (√N − 1), from 1 to 0, one minus Hoyer's sparsity.
    l1_softmax: ‖α‖₁ as written in section 2.6 of the paper: 1, with gradient 0.

    Args:
        kind: One of these.
        log_importance: (B, N) log α of the tokens entering the stage, −inf in padding.
        mean_gate: (B,) mean gate of the tokens after merging, or None if there is no gate.
    """
    if kind == "gate_l1" and mean_gate is not None:
        return mean_gate.mean()
    return _TERMS[kind](log_importance).mean()


def _entropy(log_importance: Tensor) -> Tensor:
    real = log_importance.isfinite()
    terms = log_importance.exp() * log_importance.masked_fill(~real, 0)
    most = real.sum(dim=1).clamp(min=2).log()
    return -terms.sum(dim=1) / most


def _hoyer(log_importance: Tensor) -> Tensor:
    # ‖α‖₂ from logarithms, as α² underflows long before α does.
    log_norm = (2 * log_importance).logsumexp(dim=1) / 2
    ratio = (log_importance.logsumexp(dim=1) - log_norm).exp()
    most = log_importance.isfinite().sum(dim=1).clamp(min=2).sqrt()
    return (ratio - 1) / (most - 1)


def _l1_softmax(log_importance: Tensor) -> Tensor:
    return log_importance.exp().abs().sum(dim=1)


_TERMS: dict[str, Callable[[Tensor], Tensor]] = {
    "entropy": _entropy,
    "hoyer": _hoyer,
    "l1_softmax": _l1_softmax,
}
