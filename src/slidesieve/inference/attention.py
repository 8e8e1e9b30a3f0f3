"""Which tiles of a slide a fitted model rested its prediction on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from slidesieve.bags import bag_of_slide, collate
from slidesieve.errors import ContractError
from slidesieve.models.classifier import SlideClassifier, token_attention
from slidesieve.splits.folds import fold_columns
from slidesieve.store.features import FeatureSet


@torch.no_grad()
def slide_attention(model: SlideClassifier, features: FeatureSet) -> NDArray[np.float64]:
    """Attention of a model over the N tiles of a slide, in the order of its features.

    Returns:
        (N,) weights that sum to 1; NaN for tiles that the model's reducer dropped.
    """
    if len(features.features) == 0:
        return np.empty(0)
    bag = bag_of_slide(features)
    output, reduction = model.eval()(collate([bag]))
    attention = token_attention(output, reduction)[0].double()
    attention[reduction.source[0] < 0] = torch.nan
    return attention.numpy()


def mean_attention(attentions: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean attention of several fits over the N tiles of a slide.

    Args:
        attentions: (N,) of each fit, see `slide_attention`.

    Returns:
        (N,) weights that sum to 1; NaN for tiles that all fits dropped.
    """
    stacked = np.stack(attentions)
    mean = np.nan_to_num(stacked).mean(axis=0)
    return np.where(np.isnan(stacked).all(axis=0), np.nan, mean)


def tested_fold(folds: pd.DataFrame, slide_id: str) -> int:
    """The first fold that tests a slide.

    Raises:
        ContractError: No fold does.
    """
    row = folds.loc[folds["slide_id"] == slide_id].iloc[0]
    for name in fold_columns(folds):
        if row[name] == "test":
            return int(name.removeprefix("fold_"))
    raise ContractError(f"no fold tests slide {slide_id}")
