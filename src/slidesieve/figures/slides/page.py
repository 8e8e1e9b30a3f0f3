"""The page of one slide: verdicts of all models, map, top tiles, what was cut out, quality."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from slidesieve.evaluation.verdicts import PROBABILITY
from slidesieve.figures.html_page import Cell, heading, number, paragraph, table, write_page
from slidesieve.figures.slides.pictures import SlidePictures, embedded
from slidesieve.store.tile_records import TileSpec

STYLE = """<style>
.pictures { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: flex-start; }
.pictures figure { margin: 0; }
.pictures img { display: block; border: 1px solid #e3e3e3; max-width: 100%; }
.strip { display: grid; grid-template-columns: repeat(3, auto); gap: .6rem 1.2rem; }
.side { max-width: 34rem; }
.side ul { padding-left: 0; list-style: none; }
figcaption { font-size: .85rem; color: #444; }
.swatch { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; }
</style>"""
_WORDS = (
    "Green: outline of the tissue. Numbers: the tiles with the most attention of {model}, shown "
    "beside the map with their share of the slide's attention and how often an even share goes "
    "into it. Other colours: what was cut out. High attention says that a tile weighed much, not "
    "for which class."
)


def slide_page(
    path: Path,
    cohort: Mapping,
    verdicts: Mapping[str, Mapping],
    model: str,
    pictures: SlidePictures,
    spec: TileSpec,
    files: Sequence[Path],
) -> None:
    """Write the page of a usable slide.

    Args:
        path: Where to write.
        cohort: The slide's row of cohort.csv.
        verdicts: Its row of `slide_verdicts` by model.
        model: The model whose attention is shown.
        pictures: Of the slide.
        spec: Of its tiles.
        files: Other files about the slide, from the folder in which the study ran.
    """
    parts = [
        STYLE,
        paragraph(verdict_words(verdicts[model]) + f" ({model})."),
        _pictures(cohort, pictures),
        paragraph(_WORDS.format(model=model)),
        heading("Predictions of all models"),
        _predictions(verdicts),
        heading("Quality"),
        table(
            ["Fact", "Value"], [[Cell(fact), Cell(value)] for fact, value in _facts(cohort, spec)]
        ),
        heading("Files"),
        "<ul>" + "".join(_link(file, path) for file in files) + "</ul>",
    ]
    write_page(path, str(cohort["slide_id"]), parts)


def verdict_words(verdict: Mapping) -> str:
    """Say label, prediction and probability of a slide in a clause.

    Args:
        verdict: A row of `slide_verdicts`.
    """
    confidence = verdict["confidence"]
    nearly_sure = 0.995 <= confidence < 1
    probability = "above 0.99" if nearly_sure else f"{confidence:.2f}"
    sure = f"{verdict['prediction']} with probability {probability}"
    if verdict["spread"] == verdict["spread"]:
        sure += f" ± {verdict['spread']:.2f} over {verdict['n_fits']} fits"
    if not verdict["label"]:
        return f"Predicted {sure}"
    outcome = "wrong" if verdict["is_error"] else "right"
    return f"Label {verdict['label']}, predicted {sure}: {outcome}"


def _pictures(cohort: Mapping, pictures: SlidePictures) -> str:
    tiles = "".join(
        f"<figure>{embedded(tile.jpeg, f'tile {rank}')}<figcaption>{rank}: {tile.share:.1%}, "
        f"{tile.of_even:.1f} × even</figcaption></figure>"
        for rank, tile in enumerate(pictures.tiles, start=1)
    )
    shown = f"<figure>{embedded(pictures.map, 'map of the slide')}</figure>"
    side = f'<div class="strip">{tiles}</div>{heading("What was cut out")}'
    return (
        f'<div class="pictures">{shown}<div class="side">{side}{_cut_out(cohort, pictures)}</div>'
        "</div>"
    )


def _predictions(verdicts: Mapping[str, Mapping]) -> str:
    classes = [
        name.removeprefix(PROBABILITY)
        for name in next(iter(verdicts.values()))
        if name.startswith(PROBABILITY)
    ]
    rows = [
        [
            Cell(model),
            Cell(verdict["prediction"], chip=_chip(verdict)),
            *(number(verdict[f"{PROBABILITY}{name}"], 3) for name in classes),
            number(verdict["spread"], 3),
            Cell(_made_by(verdict), css="number"),
        ]
        for model, verdict in verdicts.items()
    ]
    return table(["Model", "Prediction", *classes, "Spread", "Fold or fits"], rows)


def _chip(verdict: Mapping) -> str:
    if not verdict["label"]:
        return ""
    return "failed" if verdict["is_error"] else "ok"


def _made_by(verdict: Mapping) -> str:
    if verdict["n_fits"] > 1 or pd.isna(verdict["fold"]):
        return f"mean of {verdict['n_fits']}"
    return f"fold {verdict['fold']:.0f}"


def _cut_out(cohort: Mapping, pictures: SlidePictures) -> str:
    rows = "".join(
        f'<li><span class="swatch" style="background:{part.colour}"></span>'
        f"{part.area_mm2:.3g} mm²: {escape(part.reason)}</li>"
        for part in pictures.cut_out
    )
    dropped = _number(cohort, "n_tiles_dropped")
    if dropped:
        rows += f"<li>{dropped:.0f} tiles that could not be decoded</li>"
    if cohort.get("tissue_source") == "edited":
        rows += "<li>A person drew the outline, so no reasons are known for what lies outside.</li>"
    return f"<ul>{rows}</ul>" if rows else paragraph("Nothing.")


def _facts(cohort: Mapping, spec: TileSpec) -> Iterator[tuple[str, str]]:
    yield "Patient", str(cohort["patient_id"])
    yield (
        "Scanner, size",
        f"{cohort['vendor']}, {cohort['width']:,.0f} × {cohort['height']:,.0f} px",
    )
    yield "Scale", f"{spec.slide_mpp:.4g} µm per px, from {cohort['mpp_source']}"
    read = f"level {spec.level} at {spec.read_mpp:.4g} µm per px"
    yield "Tiles", f"{cohort['n_tiles']:,.0f} of {spec.tile_um:.4g} µm, read from {read}"
    pieces = "1 piece" if cohort["n_contours"] == 1 else f"{cohort['n_contours']:.0f} pieces"
    yield "Tissue", f"{cohort['tissue_area_mm2']:.2f} mm² in {pieces}, {cohort['tissue_source']}"
    yield "Warnings", str(cohort.get("warnings") or "none")


def _link(file: Path, page: Path) -> str:
    # In a report the page lies elsewhere; then the words say where the file is.
    place = quote(Path(os.path.relpath(file, page.parent)).as_posix())
    return f'<li><a href="{place}">{escape(str(file))}</a></li>'


def _number(row: Mapping, column: str) -> float:
    value = row.get(column)
    return 0.0 if value is None or pd.isna(value) else float(value)
