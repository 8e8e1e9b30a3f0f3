"""Tissue segmentation: thumbnail → mask → polygons, and GeoJSON in and out."""

from slidesieve.tissue.geojson import is_edited, read_tissue, write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.result import TissueResult
from slidesieve.tissue.stage import segment_slide

__all__ = [
    "TissueParams",
    "TissueResult",
    "is_edited",
    "read_tissue",
    "segment_slide",
    "write_tissue",
]
