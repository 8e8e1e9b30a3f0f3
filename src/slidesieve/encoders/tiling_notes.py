"""Whether tiles are of the size and scale that an encoder was made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slidesieve.encoders.cards import CARDS

_SCALE_TOLERANCE = 0.05


def tiling_notes(
    encoders: Mapping[str, Mapping], tilings: Mapping[str, tuple[int, float]]
) -> Iterator[str]:
    """Name each encoder whose tiles differ from those it is meant for; it works all the same.

    Args:
        encoders: Config entries by id.
        tilings: `tile_px` and `target_mpp` of each dataset that starts from slides.
    """
    for encoder_id, entry in encoders.items():
        card = CARDS.get(entry["name"])
        if card is None:
            continue
        for dataset, (tile_px, target_mpp) in tilings.items():
            same_scale = abs(target_mpp / card.mpp - 1) <= _SCALE_TOLERANCE
            if tile_px == card.tile_px and same_scale:
                continue
            seen_mpp = tile_px * target_mpp / (card.resize_px or card.input_px)
            own_mpp = card.tile_px * card.mpp / (card.resize_px or card.input_px)
            yield (
                f"encoder {encoder_id} is meant for tiles of {card.tile_px} px at {card.mpp:g} µm "
                f"per px, dataset {dataset} has {tile_px} px at {target_mpp:g}: it sees "
                f"{seen_mpp:.2g} µm per px in place of {own_mpp:.2g}. Features are computed as "
                "asked; compare them with published ones with care"
            )
