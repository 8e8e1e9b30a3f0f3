"""From a slide and a model's tokens to the pages that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.colors import to_hex

from slidesieve.figures.notice import notice_figure
from slidesieve.figures.slide_view import view_slide
from slidesieve.figures.tokens import gallery_page, grid_page
from slidesieve.figures.tokens.map_page import token_map
from slidesieve.figures.tokens.mosaic import make_mosaic
from slidesieve.figures.tokens.pictures import TokenPainter, merge_groups
from slidesieve.figures.tokens.samples import (
    Sample,
    heading,
    kept_samples,
    merged_samples,
    pruned_samples,
)
from slidesieve.figures.tokens.tile_outcomes import KEPT, MERGED, PRUNED, TileOutcomes, outcomes_of
from slidesieve.store.tiles import known_spec_from_attributes
from slidesieve.store.tokens import TokenSet

# Of panels of 4 inches at 150 dpi, 1.7 times: lines stay sharp when the page is enlarged.
_LONGEST_SIDE_PX = 1000
_GALLERY = {"kept": 36, "merged": 12, "pruned": 24, "together": 8}
_GRID = {"kept": 8, "merged": 3, "pruned": 8, "together": 4}


def write_token_pages(map_path: Path, gallery_path: Path, slide: Path, tokens: TokenSet) -> None:
    """Draw the map and the galleries of one slide; of an unusable slide, its reason.

    Args:
        map_path: Where to write the map.
        gallery_path: Where to write the galleries.
        slide: The slide's file.
        tokens: What a model made of it.
    """
    title = f"{tokens.slide_id}: tokens of {tokens.model}, fitted without this patient"
    if tokens.status != "ok":
        for path in (map_path, gallery_path):
            notice_figure(f"{tokens.status}: {tokens.reason}", title, path)
        return
    spec = known_spec_from_attributes(tokens.tile_attributes, tokens.slide_id)
    outcomes = outcomes_of(tokens)
    samples = _choose(tokens, outcomes, _GALLERY)
    view = view_slide(slide, spec, tokens.coords, _rows(samples), _LONGEST_SIDE_PX)
    painter = TokenPainter(view.overview, spec, tokens, outcomes)
    samples[MERGED] = _in_colours_of_map(samples[MERGED], painter)
    size = gallery_page.WIDTH_PX, gallery_page.CELL_PX
    sections = [
        (heading(outcomes, outcome, len(chosen)), make_mosaic(chosen, view.tiles, *size))
        for outcome, chosen in samples.items()
    ]
    token_map(painter, spec, title, map_path, outcomes.tiles(KEPT))
    gallery_page.token_gallery(sections, title, gallery_path)


def write_token_grid(path: Path, slide: Path, of_models: Sequence[TokenSet]) -> None:
    """Draw one slide under several models side by side; of an unusable slide, its reason.

    Args:
        path: Where to write.
        slide: The slide's file.
        of_models: What each model made of the same tiles.
    """
    first = of_models[0]
    title = f"{first.slide_id}: tokens of models fitted without this patient"
    if first.status != "ok":
        notice_figure(f"{first.status}: {first.reason}", title, path)
        return
    spec = known_spec_from_attributes(first.tile_attributes, first.slide_id)
    outcomes = [outcomes_of(tokens) for tokens in of_models]
    chosen = [_choose(*pair, _GRID) for pair in zip(of_models, outcomes, strict=True)]
    rows = [row for samples in chosen for row in _rows(samples)]
    view = view_slide(slide, spec, first.coords, rows, _LONGEST_SIDE_PX)
    size = grid_page.WIDTH_PX, grid_page.CELL_PX
    columns = [
        grid_page.GridColumn(
            title=f"{tokens.model}\n{len(tokens.token_size)} tokens of {len(tokens.coords)} tiles",
            picture=TokenPainter(view.overview, spec, tokens, outcome).tokens_left(),
            samples={
                outcome: make_mosaic(group, view.tiles, *size) for outcome, group in samples.items()
            },
        )
        for tokens, outcome, samples in zip(of_models, outcomes, chosen, strict=True)
    ]
    mpp_overview = view.overview.downsample * spec.slide_mpp
    grid_page.token_grid(columns, mpp_overview, title, path)


def _choose(
    tokens: TokenSet, outcomes: TileOutcomes, most: dict[str, int]
) -> dict[int, list[Sample]]:
    groups = merge_groups(tokens, outcomes)
    return {
        KEPT: kept_samples(outcomes, most["kept"]),
        MERGED: merged_samples(outcomes, groups, most["merged"], most["together"]),
        PRUNED: pruned_samples(outcomes, most["pruned"]),
    }


def _rows(samples: dict[int, list[Sample]]) -> list[int]:
    return [row for chosen in samples.values() for sample in chosen for row in sample.rows]


def _in_colours_of_map(samples: list[Sample], painter: TokenPainter) -> list[Sample]:
    colours = painter.colour_of_group / np.float64(255)
    return [replace(sample, colour=to_hex(colours[sample.group])) for sample in samples]
