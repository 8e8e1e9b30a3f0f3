"""A cohort of mosaics: slides, truth maps, sample sheet and folds that share no tissue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from slidesieve.errors import ConfigError
from slidesieve.store.atomic import atomic_path
from slidesieve.store.tables import write_csv
from slidesieve.synthetic.mosaic.artefacts import spoil
from slidesieve.synthetic.mosaic.layout import focus_cells, tissue_cells
from slidesieve.synthetic.mosaic.nests import nest, within
from slidesieve.synthetic.mosaic.tiles import (
    ORIENTATIONS,
    LabelledTile,
    deal_groups,
    of_groups,
    oriented,
    read_labelled_tiles,
    read_tile_picture,
)
from slidesieve.synthetic.painter.painting import TRUTH_MPP
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio

DOWNSAMPLES = (1, 4, 16)
_GLASS = 243
_FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class MosaicSettings:
    """Settings of a cohort of mosaics.

    Attributes:
        normal: Label of the tiles that the slides are made of.
        n_slides: Number of slides, one a patient.
        blocks: Groups of tiles are dealt to this many blocks, and so are slides. A slide takes
            tiles of its own block alone; fold k tests block k and validates on the next.
        tissue_tiles: Fewest and most tiles of a slide.
        tumour_share: Least and greatest share of them that is tumour, in slides with tumour.
        nest_share: Least and greatest share of a tumour tile's area that is tumour; the rest of it
            is normal tissue. 1 fills the tile.
        artefacts: Share of the normal tiles that get an artefact, in all slides alike.
        normal_groups: Most groups of tiles that a slide's normal tissue comes from.
        tumour_groups: The same of its tumour, which looks much alike all over.
        tile_px: Side of a tile, px.
        mpp: µm per px that the slides state. The tiles' own scale may be unknown.
        seed: Of everything.
    """

    normal: str
    n_slides: int = 60
    blocks: int = 5
    tissue_tiles: tuple[int, int] = (250, 350)
    tumour_share: tuple[float, float] = (0.011, 0.025)
    nest_share: tuple[float, float] = (1.0, 1.0)
    artefacts: float = 0.15
    normal_groups: int = 12
    tumour_groups: int = 2
    tile_px: int = 224
    mpp: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class MosaicRecipe:
    """The tiles that make a slide.

    Attributes:
        slide_id: Its name.
        label: Its class: the label of its tumour, or of normal tissue.
        block: Where its tiles come from.
        normal: Tiles of its normal tissue.
        tumour: Tiles of its tumour; empty in normal slides.
        seed: Of its layout.
    """

    slide_id: str
    label: str
    block: int
    normal: Sequence[LabelledTile]
    tumour: Sequence[LabelledTile]
    seed: tuple[int, ...]

    @property
    def groups(self) -> list[str]:
        """Groups that its tiles may come from."""
        return sorted({tile.group for tile in [*self.normal, *self.tumour]})


@dataclass(frozen=True)
class MosaicSlide:
    """A finished slide.

    Attributes:
        rgb: (H, W, 3) uint8.
        focus: (rows, columns) bool, one cell a tile: where tumour is.
        tissue: The same, where there is a tile at all.
    """

    rgb: NDArray[np.uint8]
    focus: NDArray[np.bool_]
    tissue: NDArray[np.bool_]


def plan_cohort(tiles: Sequence[LabelledTile], settings: MosaicSettings) -> list[MosaicRecipe]:
    """Deal groups and slides to blocks, and tiles of its block's groups to each slide.

    Classes take turns within a block: normal, then each other label in alphabetical order.

    Raises:
        ConfigError: `normal` is no label or the only one, or there are too few groups, slides or
            blocks.
    """
    labels = classes_of(tiles, settings.normal)
    problems = []
    if settings.blocks < _FEWEST_BLOCKS:
        problems.append(f"blocks is {settings.blocks}; train, val and test take {_FEWEST_BLOCKS}")
    if settings.n_slides < settings.blocks * len(labels):
        problems.append(
            f"{settings.n_slides} slides are too few for {settings.blocks} blocks of "
            f"{len(labels)} classes"
        )
    if problems:
        raise ConfigError(problems)
    groups = deal_groups(tiles, settings.blocks, settings.seed)
    recipes = []
    for number in range(settings.n_slides):
        turn, block = divmod(number, settings.blocks)
        label = labels[turn % len(labels)]
        rng = np.random.default_rng([settings.seed, 1, number])
        normal = _draw(rng, groups[settings.normal][block], settings.normal_groups)
        tumour = _draw(rng, groups[label][block], settings.tumour_groups)
        recipes.append(
            MosaicRecipe(
                slide_id=f"mosaic_{number:03d}",
                label=label,
                block=block,
                normal=of_groups(tiles, normal),
                tumour=[] if label == settings.normal else of_groups(tiles, tumour),
                seed=(settings.seed, 2, number),
            )
        )
    return recipes


def classes_of(tiles: Sequence[LabelledTile], normal: str) -> list[str]:
    """Return the slides' classes: normal first, then the other labels.

    Raises:
        ConfigError: There is no such label, or no other.
    """
    labels = sorted({tile.label for tile in tiles})
    if normal not in labels or len(labels) == 1:
        raise ConfigError(
            [f"normal tissue is {normal!r}; it must be one of two or more: {', '.join(labels)}"]
        )
    return [normal, *(label for label in labels if label != normal)]


def lay_mosaic(
    recipe: MosaicRecipe, pictures: Mapping[Path, NDArray[np.uint8]], settings: MosaicSettings
) -> MosaicSlide:
    """Put a slide together: a patch of normal tissue with one focus of tumour.

    Args:
        recipe: The slide.
        pictures: Each tile's pixels, (tile_px, tile_px, 3).
        settings: Sizes and shares.
    """
    rng = np.random.default_rng(recipe.seed)
    n_tiles = int(rng.integers(*settings.tissue_tiles, endpoint=True))
    share = rng.uniform(*settings.tumour_share) if recipe.tumour else 0
    tissue = tissue_cells(rng, n_tiles)
    focus = focus_cells(rng, tissue, max(1, round(share * n_tiles)) if recipe.tumour else 0)
    side = settings.tile_px
    rgb = np.full((*(side * cells for cells in tissue.shape), 3), _GLASS, np.uint8)
    for row, column in np.argwhere(tissue):
        if focus[row, column]:
            picture = _tumour_tile(rng, recipe, pictures, settings)
        else:
            picture = _any_of(rng, recipe.normal, pictures)
            if rng.random() < settings.artefacts:
                picture = spoil(rng, picture)
        window = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
        rgb[window] = picture
    return MosaicSlide(rgb, focus, tissue)


def _any_of(
    rng: np.random.Generator,
    tiles: Sequence[LabelledTile],
    pictures: Mapping[Path, NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    picture = pictures[tiles[int(rng.integers(len(tiles)))].path]
    return oriented(picture, int(rng.integers(ORIENTATIONS)))


def _tumour_tile(
    rng: np.random.Generator,
    recipe: MosaicRecipe,
    pictures: Mapping[Path, NDArray[np.uint8]],
    settings: MosaicSettings,
) -> NDArray[np.uint8]:
    tumour = _any_of(rng, recipe.tumour, pictures)
    share = rng.uniform(*settings.nest_share)
    if share >= 1:
        return tumour
    cover = nest(rng, settings.tile_px, share)
    return within(_any_of(rng, recipe.normal, pictures), tumour, cover)


def fold_table(recipes: Sequence[MosaicRecipe], blocks: int) -> pd.DataFrame:
    """Return folds that keep blocks whole: fold k tests block k and validates on the next."""
    table = pd.DataFrame(
        {
            "slide_id": [recipe.slide_id for recipe in recipes],
            "patient_id": [_patient(recipe) for recipe in recipes],
            "label": [recipe.label for recipe in recipes],
        }
    )
    for fold in range(blocks):
        part_of = {fold: "test", (fold + 1) % blocks: "val"}
        table[f"fold_{fold}"] = [part_of.get(recipe.block, "train") for recipe in recipes]
    return table


def write_cohort(folder: Path, tiles_folder: Path, settings: MosaicSettings) -> list[MosaicRecipe]:
    """Write a cohort of mosaics.

    Args:
        folder: Gets slides/<slide>.svs, truth/<slide>.png (as the demo's: 8 µm a pixel, 1 where
            there is tumour), slides.csv, folds.csv, and groups.csv with the groups of each slide.
        tiles_folder: See `read_labelled_tiles`.
        settings: What the cohort is like.

    Returns:
        What the slides are made of.
    """
    tiles = read_labelled_tiles(tiles_folder)
    recipes = plan_cohort(tiles, settings)
    pictures = {tile.path: read_tile_picture(tile.path, settings.tile_px) for tile in tiles}
    for recipe in tqdm(recipes, desc="laying mosaics", unit="slide", disable=None):
        mosaic = lay_mosaic(recipe, pictures, settings)
        picture = array_picture(mosaic.rgb, DOWNSAMPLES)
        path = folder / "slides" / f"{recipe.slide_id}.svs"
        write_aperio(path, picture, DOWNSAMPLES, settings.mpp)
        _write_truth(folder / "truth" / f"{recipe.slide_id}.png", mosaic, settings)
    folds = fold_table(recipes, settings.blocks)
    sheet = folds[["slide_id", "patient_id", "label"]]
    paths = [f"slides/{recipe.slide_id}.svs" for recipe in recipes]
    write_csv(folder / "slides.csv", sheet.assign(path=paths))
    write_csv(folder / "folds.csv", folds)
    groups = [(recipe.slide_id, group) for recipe in recipes for group in recipe.groups]
    write_csv(folder / "groups.csv", pd.DataFrame(groups, columns=["slide_id", "group"]))
    return recipes


def _write_truth(path: Path, mosaic: MosaicSlide, settings: MosaicSettings) -> None:
    height, width = mosaic.rgb.shape[:2]
    step = TRUTH_MPP / settings.mpp
    size = (round(width / step), round(height / step))
    truth = cv2.resize(mosaic.focus.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    with atomic_path(path) as partial:
        cv2.imwrite(str(partial), truth)


def _draw(rng: np.random.Generator, groups: Sequence[str], most: int) -> list[str]:
    return rng.choice(groups, min(most, len(groups)), replace=False).tolist()


def _patient(recipe: MosaicRecipe) -> str:
    return recipe.slide_id.replace("mosaic", "patient")
