"""What the pages of slides are made from, besides the tables that are inputs of their jobs."""

from __future__ import annotations

from slidesieve.config.study import Study
from slidesieve.plan import layout
from slidesieve.plan.layout import fill

# Files that a page names, if they are there.
_OTHER_FILES = (
    *(layout.TISSUE, layout.OVERVIEW, layout.TILES, layout.FEATURES),
    *(layout.TOKEN_MAP, layout.TOKEN_GALLERY, layout.TOKEN_GEOJSON, layout.SIDE_BY_SIDE),
)


def slide_pages_params(study: Study, dataset: str, encoder: str) -> dict[str, object]:
    """What a job of slide pages needs to know of a dataset and encoder."""
    here = {"dataset": dataset, "encoder": encoder}
    models = study.token_models_of(dataset)
    files = [
        fill(pattern, **here, model=model) for pattern in _OTHER_FILES for model in models or [""]
    ]
    return {
        "classes": list(study.datasets[dataset].classes),
        "model": study.heatmap_model_of(dataset),
        "per_class": study.report["heatmaps_per_class"],
        "tissue": fill(layout.TISSUE, **here),
        "tiles": fill(layout.TILES, **here),
        "other_files": list(dict.fromkeys(files)),
    }
