"""Bags of a cohort, laid from the features of tiles; only nests are encoded anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from cohorts import BLOCKS, CohortSpec
from numpy.typing import NDArray
from pool import STAINS, TILE_PX, VERSIONS, TilePool, encode, stained
from tissue import tiles_of

from slidesieve.bags import Bag
from slidesieve.synthetic.mosaic.cohort import MosaicRecipe, MosaicSettings, fold_table, plan_cohort
from slidesieve.synthetic.mosaic.layout import focus_cells, tissue_cells
from slidesieve.synthetic.mosaic.nests import nest, within
from slidesieve.synthetic.mosaic.tiles import ORIENTATIONS, LabelledTile, oriented


@dataclass(frozen=True)
class LaidCohort:
    """Bags with their truth.

    Attributes:
        spec: What it is like.
        bags: A bag per slide; label 1 is tumour.
        truth: By slide, (N,) bool: which tokens hold tumour.
        folds: See `fold_table`.
    """

    spec: CohortSpec
    bags: list[Bag]
    truth: dict[str, NDArray[np.bool_]]
    folds: pd.DataFrame

    def part(self, fold: int, name: str) -> list[Bag]:
        """Return the bags of a fold's part."""
        wanted = set(self.folds.loc[self.folds[f"fold_{fold}"] == name, "slide_id"])
        return [bag for bag in self.bags if bag.slide_id in wanted]


def lay_cohort(spec: CohortSpec, data: Path, cache: Path) -> LaidCohort:
    """Lay a cohort, or read it as it was laid before.

    Args:
        spec: What it is like.
        data: Folder of the shared real data.
        cache: Folder of everything that is made once.
    """
    settings = spec.mosaic_settings()
    tiles = tiles_of(spec.folders, (spec.normal, spec.tumour), data, cache)
    recipes = plan_cohort(tiles, settings)
    path = cache / "cohorts" / f"{spec.name}.npz"
    if not path.exists():
        pool = TilePool(tiles, cache)
        laid = [_lay(recipe, spec, settings, pool) for recipe in recipes]
        features, coords, truth = (np.concatenate(part) for part in zip(*laid, strict=True))
        lengths = [len(slide[0]) for slide in laid]
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, features=features, coords=coords, truth=truth, lengths=lengths)
    with np.load(path) as kept:
        stored = {name: kept[name] for name in kept.files}
    ends = np.cumsum(stored["lengths"])[:-1]
    features, coords, truth = (
        np.split(stored[name], ends) for name in ("features", "coords", "truth")
    )
    bags = [
        Bag(recipe.slide_id, recipe.slide_id, int(recipe.label == spec.tumour), x, places)
        for recipe, x, places in zip(recipes, features, coords, strict=True)
    ]
    truth_of = dict(zip((bag.slide_id for bag in bags), truth, strict=True))
    return LaidCohort(spec, bags, truth_of, fold_table(recipes, BLOCKS))


def _lay(
    recipe: MosaicRecipe, spec: CohortSpec, settings: MosaicSettings, pool: TilePool
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return a slide's features (N, D), corners (N, 2) and which tokens hold tumour (N,).

    Laid out as `lay_mosaic` lays it, row by row.
    """
    rng = np.random.default_rng(recipe.seed)
    n_tiles = int(rng.integers(*settings.tissue_tiles, endpoint=True))
    share = rng.uniform(*settings.tumour_share) if recipe.tumour else 0
    tissue = tissue_cells(rng, n_tiles)
    focus = focus_cells(rng, tissue, max(1, round(share * n_tiles)) if recipe.tumour else 0)
    stain = int(rng.integers(STAINS)) if spec.shifted_stain else 0
    cells = np.argwhere(tissue)
    truth = focus[tissue]
    features = []
    for is_tumour in truth:
        if is_tumour and settings.nest_share[0] < 1:
            features.append(_nest(rng, recipe, settings, stain, pool))
            continue
        tiles = recipe.tumour if is_tumour else recipe.normal
        tile = tiles[rng.integers(len(tiles))]
        spoiled = not is_tumour and rng.random() < settings.artefacts
        features.append(pool.features(tile, stain, spoiled, int(rng.integers(VERSIONS))))
    return np.stack(features), cells[:, ::-1] * TILE_PX, truth


def _nest(
    rng: np.random.Generator,
    recipe: MosaicRecipe,
    settings: MosaicSettings,
    stain: int,
    pool: TilePool,
) -> NDArray[np.float32]:
    """Return the features of a normal tile with a nest of tumour, (D,)."""

    def any_of(tiles: list[LabelledTile]) -> NDArray[np.uint8]:
        picture = pool.picture(tiles[rng.integers(len(tiles))])
        return oriented(picture, int(rng.integers(ORIENTATIONS)))

    tumour, normal = any_of(recipe.tumour), any_of(recipe.normal)
    cover = nest(rng, TILE_PX, rng.uniform(*settings.nest_share))
    return encode([stained(within(normal, tumour, cover), stain)])[0]
