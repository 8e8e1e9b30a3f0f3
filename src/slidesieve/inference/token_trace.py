"""From a fitted model and a slide's features to the record of what its reducer did to the tiles."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slidesieve.bags import bag_of_slide, collate
from slidesieve.models.classifier import SlideClassifier, token_attention
from slidesieve.reduction.trace import StageTrace
from slidesieve.store.features import FeatureSet
from slidesieve.store.tokens import TokenSet


@torch.no_grad()
def trace_slide(
    model: SlideClassifier, features: FeatureSet, name: str, fold: int, fingerprint: str
) -> TokenSet:
    """Record what a fitted model's reducer does to the tiles of a slide.

    Args:
        model: The model.
        features: The slide's features; of an unusable slide the record is empty, with its reason.
        name: The model's name in the config.
        fold: Which fold's model it is.
        fingerprint: See `tokens_fingerprint`.
    """
    if len(features.features) == 0:
        return _record(features, name, fold, fingerprint, **_nothing())
    bag = bag_of_slide(features)
    output, reduction, stages = model.eval().trace(collate([bag]))
    attention = token_attention(output, reduction)[0]
    return _record(
        features,
        name,
        fold,
        fingerprint,
        source=_columns([_of_tiles(stage, stage.went, -1) for stage in stages]),
        group=_columns([_of_tiles(stage, stage.into, -1) for stage in stages]),
        importance=_columns([_of_tiles(stage, stage.importance, torch.nan) for stage in stages]),
        attention=attention.masked_fill(reduction.source[0] < 0, torch.nan).float().numpy(),
        token_coords=reduction.tokens.coords[0].numpy(),
        token_size=reduction.tokens.size[0].float().numpy(),
    )


def tokens_fingerprint(features: FeatureSet, model_folder: Path) -> str:
    """Hash of all that a tokens file depends on: the features and the weights of the model."""
    weights = (model_folder / "weights.safetensors").read_bytes()
    facts = features.fingerprint + hashlib.sha256(weights).hexdigest()
    return hashlib.sha256(facts.encode()).hexdigest()


def _record(
    features: FeatureSet, name: str, fold: int, fingerprint: str, **tables: np.ndarray
) -> TokenSet:
    return TokenSet(
        slide_id=features.slide_id,
        encoder=features.encoder,
        model=name,
        fold=fold,
        coords=features.coords,
        status=features.status,
        reason=features.reason,
        fingerprint=fingerprint,
        tile_attributes=features.tile_attributes,
        **tables,
    )


def _nothing() -> dict[str, np.ndarray]:
    return {
        "source": np.empty((0, 1), np.int64),
        "group": np.empty((0, 1), np.int64),
        "importance": np.empty((0, 1), np.float32),
        "attention": np.empty(0, np.float32),
        "token_coords": np.empty((0, 2), np.int64),
        "token_size": np.empty(0, np.float32),
    }


def _of_tiles(stage: StageTrace, values: Tensor, absent: float) -> Tensor:
    """Return (N,) the value of the token each tile is part of, `absent` if dropped before."""
    entered = stage.entered[0]
    return values[0][entered.clamp(min=0)].masked_fill(entered < 0, absent)


def _columns(of_stages: list[Tensor]) -> np.ndarray:
    columns = torch.stack(of_stages, dim=1)
    return (columns.float() if columns.is_floating_point() else columns).numpy()
