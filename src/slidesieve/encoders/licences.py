"""Under what licence an encoder's weights are."""

from __future__ import annotations

from slidesieve.encoders.cards import CARDS

_BUILT_IN = "Apache-2.0, as SlideSieve; it has no weights"
_TIMM = "that of timm's weights; see the model's page on the Hugging Face hub"
_HUB = "see its page on the Hugging Face hub"
_UNKNOWN = "not known; ask whoever made the features"


def encoder_licence(name: str) -> str:
    """Return the licence of an encoder's weights in words.

    Args:
        name: As features files say it; a ready-made file may name none.
    """
    if name in CARDS:
        return CARDS[name].licence
    if name == "colour_texture":
        return _BUILT_IN
    if "hf-hub:" in name:
        return _HUB
    return _TIMM if name.startswith("timm:") else _UNKNOWN
