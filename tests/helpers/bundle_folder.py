"""bundle.json of an imaginary model, for tests that look at no weights."""

from __future__ import annotations

from pathlib import Path

from slidesieve.models.bundle import (
    SCHEMA_VERSION,
    Bundle,
    BundledEncoder,
    BundledFit,
    DataCard,
    write_bundle,
)
from slidesieve.tiling.settings import TileSettings
from slidesieve.tissue.params import TissueParams


def bundle_folder(folder: Path, entry: dict | None = None, local_weights: str = "") -> Path:
    """Write bundle.json of a model `abmil` of three folds; there are no weights beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    fit = BundledFit(weights_sha256="0" * 64, seed=0, best_epoch=3, signs=[])
    encoder = BundledEncoder(
        id="tiny",
        entry={"name": "colour_texture"} if entry is None else entry,
        name="colour_texture",
        revision="1",
        source="",
        transform="none",
        pooling="",
        precision="fp32",
        width=164,
        licence="Apache-2.0",
        local_weights=local_weights,
    )
    data = DataCard(
        slides={"benign": 2, "tumour": 2},
        patients={"benign": 2, "tumour": 2},
        left_out=0,
        scanners={},
        mpp={},
        tiles_median=5,
        split="3 folds",
    )
    write_bundle(
        folder,
        Bundle(
            schema_version=SCHEMA_VERSION,
            dataset="lung",
            model="abmil",
            spec={"aggregator": "abmil"},
            classes=["benign", "tumour"],
            encoder=encoder,
            tiles=TileSettings(tile_px=128, target_mpp=0.25),
            tissue=TissueParams(otsu_floor=9),
            fits={f"fold_{fold}": fit for fold in (10, 0, 2)},
            data=data,
            versions={"slidesieve": "0.1.0"},
        ),
    )
    return folder
