"""Predictions of a fitted selector along each of its paths; without a soft path, of use alone."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import torch

from slidesieve.bags import Bag, collate
from slidesieve.models.classifier import SlideClassifier
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.selector_diagnostics.seeds import seeded, slide_seed
from slidesieve.selector_diagnostics.slides import ScoredSlide
from slidesieve.tokens import Reduction, TokenBatch
from slidesieve.training.fitted import FittedModel

SOFT, HARD, HARD_DENOISED = "soft", "hard", "hard_denoised"
PATHS = (SOFT, HARD, HARD_DENOISED)
# The soft path is noisy: one draw of it would move a small cohort's accuracy by points.
SOFT_DRAWS = 5


def slide_predictions(
    fitted: FittedModel, bag: Bag, scored: ScoredSlide
) -> list[dict[str, object]]:
    """Predict a slide along each path.

    Args:
        fitted: The model.
        bag: The slide.
        scored: It, as the model's reducer scored it.

    Returns:
        A row per path and draw: path, draw, slide_id, patient_id, label, prediction, prob_<class>…
    """
    rows = []
    for path, draw, logits in _logits(fitted.model, bag, scored):
        probabilities = logits[0].double().softmax(dim=0).tolist()
        of_class = dict(zip(fitted.classes, probabilities, strict=True))
        rows.append(
            {
                "path": path,
                "draw": draw,
                "slide_id": bag.slide_id,
                "patient_id": bag.patient_id,
                "label": fitted.classes[bag.label_index],
                "prediction": max(of_class, key=of_class.__getitem__),
                **{f"prob_{name}": value for name, value in of_class.items()},
            }
        )
    return rows


def _logits(
    model: SlideClassifier, bag: Bag, scored: ScoredSlide
) -> Iterator[tuple[str, int, torch.Tensor]]:
    if not isinstance(model.reducer, SparseLearn):
        yield HARD, 0, model(collate([bag]).to(scored.scores.device))[0].logits
        return
    for path, draw, reduction in _reductions(model.reducer, bag, scored.tokens, scored.scores):
        yield path, draw, model.aggregator(reduction.tokens).logits


def _reductions(
    reducer: SparseLearn, bag: Bag, tokens: TokenBatch, scores: torch.Tensor
) -> Iterator[tuple[str, int, Reduction]]:
    for draw in range(SOFT_DRAWS):
        with seeded(slide_seed(bag.slide_id, f"soft {draw}"), scores.device):
            yield SOFT, draw, reducer.soft(tokens, scores)
    yield HARD, 0, reducer.hard(tokens, scores)
    if reducer.denoiser is not None:
        yield HARD_DENOISED, 0, reducer.hard(tokens, scores, denoise=True)


def as_table(rows: list[dict[str, object]], fold: int) -> pd.DataFrame:
    """Return the rows of a fold as a table, its number after the patient's name."""
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("patient_id") + 1, "fold", fold)
    return table
