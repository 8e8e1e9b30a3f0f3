"""Tissue segmentation: thumbnail → mask → polygons, and GeoJSON in and out."""
