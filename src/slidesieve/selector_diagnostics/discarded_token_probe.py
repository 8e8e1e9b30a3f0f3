"""The leakage probe: how well can discarded tokens be told from what is left of a slide?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.selector_diagnostics.seeds import seeded, slide_seed
from slidesieve.tokens import TokenBatch

Rows = NDArray[np.float64]

# Penalties in units of the predictors' mean variance times the number of tokens.
PENALTIES = tuple(10.0**power for power in range(-4, 3))
# Discarded tokens looked at in each part of a fold, shared by its slides.
TOKENS_OF_PART = 4096
TOKENS_OF_SLIDE = 64


@dataclass(frozen=True)
class ProbeTokens:
    """Discarded tokens with what may tell about them.

    Attributes:
        target: (n, D) the discarded tokens, normalised, before the gate.
        predictors: (n, P) each, by name.
    """

    target: Rows
    predictors: Mapping[str, Rows]


def probe_tokens(
    reducer: SparseLearn, slide_id: str, tokens: TokenBatch, scores: torch.Tensor, most: int
) -> ProbeTokens | None:
    """Draw discarded tokens of a slide and put together what may tell about them.

    kept: the mean of the kept tokens and the kept token nearest on the slide, as evaluation sees
    them. kept_denoised: the same after gate and denoiser, as the head sees them in training.
    gated: the discarded token itself after the gate. gated_denoised: and after the denoiser.

    Args:
        reducer: A fitted selector.
        slide_id: The slide, for its seed.
        tokens: One bag, from `reducer.score`.
        scores: (1, N), from `reducer.score`.
        most: Most tokens to draw.

    Returns:
        None if the slide has no discarded token.
    """
    kept = reducer.best(tokens, scores)[0]
    if bool(kept.all()):
        return None
    with seeded(slide_seed(slide_id, "leakage"), scores.device):
        gated = reducer.gated(tokens, reducer.weights(tokens, scores))
    clean, noisy = tokens.features[0], gated.features[0]
    discarded = torch.nonzero(~kept).squeeze(1)
    rng = np.random.default_rng(slide_seed(slide_id, "discarded"))
    drawn = discarded[rng.permutation(len(discarded))[:most].tolist()]
    nearest = _nearest_kept(tokens.coords[0], kept, drawn)

    def of_kept(features: torch.Tensor) -> torch.Tensor:
        mean = features[kept].mean(dim=0).expand(len(drawn), -1)
        return torch.cat([mean, features[nearest]], dim=1)

    predictors = {"kept": of_kept(clean), "gated": noisy[drawn]}
    if reducer.denoiser is not None:
        restored = reducer.denoised(gated).features[0]
        predictors |= {"kept_denoised": of_kept(restored), "gated_denoised": restored[drawn]}
    return ProbeTokens(
        target=_rows(clean[drawn]),
        predictors={name: _rows(values) for name, values in predictors.items()},
    )


def stacked(slides: Sequence[ProbeTokens]) -> ProbeTokens:
    """Put the tokens of several slides together."""
    return ProbeTokens(
        target=np.concatenate([slide.target for slide in slides]),
        predictors={
            name: np.concatenate([slide.predictors[name] for slide in slides])
            for name in slides[0].predictors
        },
    )


def probe(
    train: ProbeTokens, val: ProbeTokens, test: ProbeTokens, seed: int
) -> list[tuple[str, str, float]]:
    """Fit a ridge regression from each predictor to the discarded tokens and score it.

    Fitted on the training slides, its penalty chosen on the validation slides, scored on the test
    slides. The control does the same after the predictors' rows were shuffled within each part,
    and so shows what the procedure makes of nothing.

    Returns:
        (predictor, "r2" or "r2_permuted", value).
    """
    rng = np.random.default_rng(seed)
    found = []
    for name in train.predictors:
        parts = [(part.predictors[name], part.target) for part in (train, val, test)]
        shuffled = [(rng.permutation(x), y) for x, y in parts]
        found.append((name, "r2", ridge_r2(*parts)))
        found.append((name, "r2_permuted", ridge_r2(*shuffled)))
    return found


def ridge_r2(train: tuple[Rows, Rows], val: tuple[Rows, Rows], test: tuple[Rows, Rows]) -> float:
    """Return R² on test data of a ridge regression whose penalty was chosen on validation data.

    R² = 1 − Σ‖y − ŷ‖² / Σ‖y − ȳ‖² over tokens and features, ȳ the mean of the training data: 0
    for a guess of the mean, 1 if all is told, below 0 if misled.

    Args:
        train: Predictors (n, P) and targets (n, D).
        val: As train.
        test: As train.
    """
    x, y = train
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    centred = x - x_mean
    gram, moments = centred.T @ centred, centred.T @ (y - y_mean)
    values, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ moments
    scale = max(values.mean(), np.finfo(float).tiny)

    def r2(penalty: float, part: tuple[Rows, Rows]) -> float:
        weights = vectors @ (rotated / (values.clip(min=0) + penalty * scale)[:, None])
        x_part, y_part = part
        error = y_part - y_mean - (x_part - x_mean) @ weights
        return float(1 - (error**2).sum() / ((y_part - y_mean) ** 2).sum())

    return r2(max(PENALTIES, key=lambda penalty: r2(penalty, val)), test)


def tokens_of_slide(n_slides: int) -> int:
    """Return how many discarded tokens of each of so many slides are looked at."""
    return max(1, min(TOKENS_OF_SLIDE, TOKENS_OF_PART // n_slides))


def _nearest_kept(coords: torch.Tensor, kept: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """Return for each drawn token the kept one nearest on the slide, of equal ones the first."""
    places = torch.nonzero(kept).squeeze(1)
    distance = torch.cdist(coords[drawn].double(), coords[places].double())
    return places[distance.argmin(dim=1)]


def _rows(values: torch.Tensor) -> Rows:
    return values.double().cpu().numpy()
