"""The page of errors: the confidently wrong first, and the slides of every confusion cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from slidesieve.figures.html_page import heading, paragraph, write_page
from slidesieve.figures.slides.page import STYLE, verdict_words
from slidesieve.figures.slides.pictures import SlidePictures, embedded

_MOST_LISTED = 200
_STYLE = """<style>
:target { background: #fff4c2; }
.card { border-top: 1px solid #e3e3e3; padding: .6rem 0; display: flex; gap: 1rem; }
.card h3 { margin: 0 0 .2rem; font-size: 1rem; }
.card p { margin: 0; }
.card .words { flex: 0 0 15rem; }
.card img { display: block; }
.cells { border-collapse: collapse; }
.cells td { border: 1px solid #e3e3e3; text-align: center; min-width: 4rem; }
.cells .name { font-weight: 600; }
.right { background: #d9f0e6; }
.wrong { background: #fbdcc8; }
</style>"""
_CARDS_WORDS = (
    "Slides that {model} got wrong, each by a model that never saw the patient; the probability of "
    "the predicted class falls from top to bottom. Beside each, the tiles with the most attention "
    "and their share of it. A confident error is worth a second look at the label, too."
)
_CELLS_WORDS = "Rows are true classes, columns predictions, of slides. A cell leads to its slides."


def errors_page(
    path: Path,
    title: str,
    classes: Sequence[str],
    verdicts: Mapping[str, pd.DataFrame],
    model: str,
    pictures: Mapping[str, SlidePictures],
) -> None:
    """Write the gallery of one model's errors, and the confusion cells of all models.

    Args:
        path: Where to write.
        title: Of the page.
        classes: In the order of the config.
        verdicts: Of each model, see `slide_verdicts`.
        model: The one whose errors are shown.
        pictures: Of the slides that are shown, by slide_id, in their order.
    """
    own = verdicts[model]
    parts = [STYLE, _STYLE]
    if own["label"].eq("").all():
        parts.append(paragraph("No slide has a label, so nothing is known of errors."))
        write_page(path, title, parts)
        return
    errors = own[own["is_error"].astype(bool)]
    shown = [row for row in errors.to_dict("records") if row["slide_id"] in pictures]
    parts.append(paragraph(f"{model} got {len(errors)} of {len(own)} slides wrong."))
    if shown:
        parts += [
            heading("The confidently wrong first"),
            paragraph(_CARDS_WORDS.format(model=model)),
        ]
        parts += [_card(row, pictures[row["slide_id"]]) for row in shown]
    if len(shown) < len(errors):
        parts.append(paragraph(f"{len(errors) - len(shown)} more stand in the cells below."))
    for name in [model, *(other for other in verdicts if other != model)]:
        parts += [heading(f"True and predicted class: {name}"), paragraph(_CELLS_WORDS)]
        table = verdicts[name]
        parts += [_cells(name, table, classes), *_lists(name, table, classes, pictures)]
    write_page(path, title, parts)


def _card(verdict: Mapping, pictures: SlidePictures) -> str:
    name = escape(verdict["slide_id"])
    tiles = "".join(
        f"<figure>{embedded(tile.jpeg, f'tile {rank}')}"
        f"<figcaption>{tile.share:.1%}</figcaption></figure>"
        for rank, tile in enumerate(pictures.tiles[:4], start=1)
    )
    return (
        f'<div class="card" id="slide-{name}"><div class="words"><h3>{name}</h3>'
        f"<p>{escape(verdict_words(verdict))}</p>"
        f'<p><small><a href="slides/{quote(name)}.html">slides/{name}.html</a></small></p></div>'
        f'<div class="pictures">{embedded(pictures.thumbnail, name)}{tiles}</div></div>'
    )


def _cells(model: str, verdicts: pd.DataFrame, classes: Sequence[str]) -> str:
    counts = Counter(zip(verdicts["label"], verdicts["prediction"], strict=True))
    rows = [
        f'<tr><td class="name">{escape(truth)}</td>'
        + "".join(_cell(model, truth, guess, counts[truth, guess]) for guess in classes)
        + "</tr>"
        for truth in classes
    ]
    heads = "".join(f'<td class="name">{escape(guess)}</td>' for guess in classes)
    return f'<table class="cells"><tr><td></td>{heads}</tr>{"".join(rows)}</table>'


def _cell(model: str, truth: str, guess: str, count: int) -> str:
    if not count:
        return "<td>0</td>"
    kind = "right" if truth == guess else "wrong"
    return f'<td class="{kind}"><a href="#{_anchor(model, truth, guess)}">{count}</a></td>'


def _lists(
    model: str, verdicts: pd.DataFrame, classes: Sequence[str], with_page: Container[str]
) -> Iterator[str]:
    """Yield the slides of each cell that has any, the most confident first."""
    for truth in classes:
        for guess in classes:
            own = verdicts[(verdicts["label"] == truth) & (verdicts["prediction"] == guess)]
            if own.empty:
                continue
            sure_first = own.sort_values("confidence", ascending=False).head(_MOST_LISTED)
            slides = ", ".join(
                f"{_named(row['slide_id'], with_page)} ({row['confidence']:.2f})"
                for row in sure_first.to_dict("records")
            )
            if len(own) > _MOST_LISTED:
                slides += f" and {len(own) - _MOST_LISTED} more, see the table of predictions"
            words = f"{truth}, as predicted" if truth == guess else f"{truth}, predicted {guess}"
            anchor = _anchor(model, truth, guess)
            yield f'<p id="{anchor}"><b>{escape(words)}</b>: {slides}</p>'


def _named(slide_id: str, with_page: Container[str]) -> str:
    name = escape(slide_id)
    return f'<a href="slides/{quote(slide_id)}.html">{name}</a>' if slide_id in with_page else name


def _anchor(model: str, truth: str, guess: str) -> str:
    return escape("-".join((model, truth, guess)).replace(" ", "_"))
