"""`slidesieve encoders`: what can stand under `encoders` in a config."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from slidesieve.encoders.card import PROOFS, EncoderCard
from slidesieve.encoders.cards import CARDS

HEADER = (
    *("name", "numbers", "input px", "tiles", "µm/px"),
    *("GPU", "gated", "licence", "proof", "repository"),
)


def run(options: argparse.Namespace) -> int:
    """Print the registry as a table."""
    del options
    rows = [HEADER, *(row_of(card) for card in CARDS.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    print()
    for line in _notes():
        print(line)
    return 0


def row_of(card: EncoderCard) -> tuple[str, ...]:
    """Describe an encoder, cell by cell of `HEADER`."""
    return (
        card.name,
        "/".join(dict.fromkeys(str(card.width(pooling)) for pooling in card.poolings)),
        f"{card.resize_px}→{card.input_px}" if card.resize_px else str(card.input_px),
        str(card.tile_px),
        f"{card.mpp:g}",
        card.precision,
        "yes" if card.gated else "no",
        card.licence,
        card.proof,
        card.hub_id,
    )


def _notes() -> Iterator[str]:
    yield "Besides: colour_texture (built in, no weights), timm:<model>, hf-hub:<owner>/<name>."
    yield "Poolings, the first being the default, where there is a choice:"
    for card in CARDS.values():
        if len(card.poolings) > 1:
            yield f"  {card.name}: {', '.join(card.poolings)}"
    yield "How each was proven (with its published weights: none, they were out of our reach):"
    for name, words in PROOFS.items():
        yield f"  {name}: {words}"
