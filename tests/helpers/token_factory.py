"""Slides of random features and what models make of them."""

from __future__ import annotations

import numpy as np
import torch

from slidesieve.inference.token_trace import trace_slide
from slidesieve.models.classifier import SlideClassifier, build_model
from slidesieve.store.features import FeatureSet
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes
from slidesieve.store.tokens import TokenSet
from slidesieve.tiling.spec import choose_tile_spec

DIM, COLUMNS = 6, 8
SPECS = {
    "none": "none",
    "dtc": {"name": "dtc", "hidden_dim": 8},
    "dtc_hilbert": {"name": "dtc", "hidden_dim": 8, "scan": "hilbert", "matching": "window"},
    "dtc_merged_first": {"name": "dtc", "hidden_dim": 8, "order": "merged_first"},
    "dtc_all": {"name": "dtc", "hidden_dim": 8, "retention": 1.0},
    "dtc_as_written": {"name": "dtc", "hidden_dim": 8, "preset": "as_written"},
    "sparselearn": {"name": "sparselearn", "k": 5, "scorer": "mlp", "scorer_dim": 8},
    "attention_topk": {"name": "attention_topk", "k": 5, "hidden_dim": 8, "attention_dim": 8},
    "random": {"name": "random", "k": 5},
    "uniform": {"name": "uniform", "retention": 0.3},
    "farthest_point": {"name": "farthest_point", "k": 5},
    "kmeans": {"name": "kmeans", "k": 5, "token": "centroid"},
    "tome": {"name": "tome", "k": 5},
    "slots": {"name": "slots", "k": 5, "hidden_dim": 8},
}


def features_of(n_tiles: int, seed: int = 0, tile_px: int = 64) -> FeatureSet:
    """Features of a slide whose tiles fill rows of eight, with a margin of one tile."""
    spec = choose_tile_spec(0.5, [1.0], tile_px, tile_px, 0.5)
    row, column = np.divmod(np.arange(n_tiles), COLUMNS)
    coords = (np.stack([column, row], axis=1) + 1) * tile_px
    height = (int(row.max(initial=0)) + 3) * tile_px
    width = (COLUMNS + 2) * tile_px
    tiles = TileSet(slide_id="s1", coords=coords, spec=spec, width=width, height=height)
    values = np.random.default_rng(seed).normal(size=(n_tiles, DIM)).astype(np.float32)
    return FeatureSet(
        slide_id="s1",
        features=values,
        coords=coords,
        encoder="toy",
        fingerprint="of the features",
        tile_attributes={k: v for k, v in coords_attributes(tiles).items() if v is not None},
    )


def model_of(reducer: object, seed: int = 0) -> SlideClassifier:
    """An untrained model of ABMIL behind a reducer."""
    torch.manual_seed(seed)
    aggregator = {"name": "abmil", "hidden_dim": 8, "attention_dim": 8}
    return build_model({"reducer": reducer, "aggregator": aggregator}, DIM, 2).eval()


def tokens_of(reducer: object, n_tiles: int, seed: int = 0, tile_px: int = 64) -> TokenSet:
    """What an untrained model's reducer makes of a slide."""
    features = features_of(n_tiles, seed, tile_px)
    return trace_slide(model_of(reducer, seed), features, "my_model", 1, "of both")
