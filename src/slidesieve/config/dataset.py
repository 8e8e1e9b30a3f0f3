"""Keys of a dataset."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.config.names import ClassName, FileName
from slidesieve.parsing.settings import STRICT, UNIQUE
from slidesieve.slide.plausible import PLAUSIBLE_MPP
from slidesieve.splits.settings import FoldSettings
from slidesieve.tiling.settings import TileSettings
from slidesieve.tissue.params import TissueParams


@dataclass(frozen=True, config=STRICT, kw_only=True)
class DatasetSource:
    """Where slides, or ready-made features, and their labels lie."""

    slides: StrictStr | None = Field(
        default=None,
        description="Sample sheet (CSV) of slides: slide_id, patient_id, label, path, and as far "
        "as wanted site, mpp, tissue.<parameter> and meta.<anything>.",
    )
    slides_dir: StrictStr | None = Field(
        default=None, description="Folder that relative paths of the sheet start from."
    )
    features: StrictStr | None = Field(
        default=None,
        description="Folder of ready-made features (TRIDENT or CLAM HDF5, .pt or .csv) in place "
        "of slides.",
    )
    labels: StrictStr | None = Field(
        default=None,
        description="Sample sheet of ready-made features: slide_id, patient_id, label.",
    )
    encoder: FileName = Field(
        default="provided", description="Name of the ready-made features in the tables."
    )
    classes: Annotated[list[ClassName], UNIQUE, Field(min_length=2)] | None = Field(
        default=None,
        json_schema_extra={"uniqueItems": True},
        description="Labels in the order of the tables (and of the grades, for the kappa). Only "
        "with `models_from` may they be left out.",
    )
    models_from: StrictStr | None = Field(
        default=None,
        description="Another dataset of the config, or the folder of a bundle, whose models "
        "predict this one. It has no folds of its own then, takes over classes, tiles and tissue, "
        "and its sheet may be without labels.",
    )


@dataclass(frozen=True, config=STRICT, kw_only=True)
class DatasetSettings(TileSettings, DatasetSource):
    """One dataset. It becomes results/<name>/ and the target <name>."""

    assume_mpp: StrictFloat | None = Field(
        default=None,
        ge=PLAUSIBLE_MPP[0],
        le=PLAUSIBLE_MPP[1],
        description="µm per px of slides that state none, neither in the file nor in the sheet.",
    )
    mpp_from_objective: StrictBool = Field(
        default=False, description="Fall back on 10 / objective power where no mpp is stated."
    )
    reader: Literal["auto", "tiled", "tiled-half", "openslide", "tiff", "picture", "ome-zarr"] = (
        Field(
            default="auto",
            description="Reader of slides. auto takes the first that can read a slide; tiled-half "
            "decodes JPEG at half scale where no level is nearer.",
        )
    )
    outline_origin: Literal["bounds", "level0"] = Field(
        default="bounds",
        description="Where coordinates of GeoJSON files start. bounds is the corner of the scanned "
        "area, as QuPath has it; level0 that of level 0, for QuPath with --no-crop. They differ "
        "on MIRAX, Leica SCN and Ventana BIF slides.",
    )
    tissue: TissueParams = Field(
        default_factory=TissueParams, description="Parameters of tissue segmentation."
    )
    truth: StrictStr | None = Field(
        default=None,
        description="Folder of truth masks, <slide_id>.png of the whole slide at any scale, 0 "
        "where there is no lesion. Only the diagnostics of selectors read them.",
    )
    on_slide_error: Literal["quarantine", "fail"] = Field(
        default="quarantine",
        description="Whether an unusable slide is left out and named, or stops the run.",
    )
    max_failed_fraction: StrictFloat = Field(
        default=0.2, ge=0, le=1, description="Share of unusable slides above which the run stops."
    )
    tile_images: StrictBool = Field(
        default=False, description="Keep the tiles as JPEGs, one ZIP per slide, under tile_images/."
    )
    folds: FoldSettings = Field(default_factory=FoldSettings, description="The splits.")
