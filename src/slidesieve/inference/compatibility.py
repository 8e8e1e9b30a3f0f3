"""A model reads the features it was trained on, and refuses others by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from slidesieve.errors import ContractError
from slidesieve.store.features import FeatureSet
from slidesieve.training.fitted import FittedModel

# Scales are written by people and by tools with few digits.
_SCALE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class TileKind:
    """Size and scale of the tiles that a model was trained on; None where they are not known.

    Attributes:
        tile_px: Side of a tile in px at `target_mpp`.
        target_mpp: µm per px.
    """

    tile_px: int | None = None
    target_mpp: float | None = None


def refuse_foreign_features(features: FeatureSet, fitted: FittedModel, tiles: TileKind) -> None:
    """Refuse features of another encoder, revision, width, tile size or scale.

    What a file does not say of its tiles is taken as right; an encoder that is not named is not.

    Args:
        features: Of one slide, with at least one token.
        fitted: The model.
        tiles: What it was trained on.

    Raises:
        ContractError: Names the slide and each difference.
    """
    differences = [
        f"{what} {found or 'not named'} in place of {wanted}"
        for what, found, wanted in _facts(features, fitted, tiles)
        if not _same(found, wanted)
    ]
    if differences:
        raise ContractError(
            f"slide {features.slide_id}: its features are not those the model was trained on: "
            f"{', '.join(differences)}. Make its features as the model's were made, or take a "
            "model that was trained on such features"
        )


def _facts(
    features: FeatureSet, fitted: FittedModel, tiles: TileKind
) -> list[tuple[str, object, object]]:
    """(name, found, wanted) of all that is known to the model."""
    own = features.tile_attributes
    facts: list[tuple[str, object, object]] = [
        ("width", features.features.shape[1], fitted.dim),
    ]
    # A model of unnamed features cannot tell others from its own.
    if fitted.encoder:
        facts += [
            ("encoder", features.encoder, fitted.encoder),
            ("encoder revision", features.encoder_revision, fitted.encoder_revision),
        ]
    if tiles.tile_px is not None and "patch_size" in own:
        facts.append(("tile size (px)", own["patch_size"], tiles.tile_px))
    if tiles.target_mpp is not None and "target_mpp" in own:
        facts.append(("µm per px", own["target_mpp"], tiles.target_mpp))
    return facts


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=_SCALE_TOLERANCE)
    return found == wanted
