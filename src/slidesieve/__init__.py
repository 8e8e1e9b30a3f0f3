"""SlideSieve: from whole slides to slide-level predictions, keeping the tokens that matter.

The names of `__all__` are the ones that most programs need. Each is imported when it is first
used, so that `import slidesieve` itself is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slidesieve.config.load import load_study_files
    from slidesieve.encoders.registry import load_encoder
    from slidesieve.extraction.extractor import extract_features
    from slidesieve.inference.attention import slide_attention
    from slidesieve.inference.predict import load_ensemble, load_features, predict
    from slidesieve.models.classifier import build_model
    from slidesieve.slide.open import open_slide
    from slidesieve.splits.folds import make_folds
    from slidesieve.store.features import read_features
    from slidesieve.store.tiles import read_tiles
    from slidesieve.store.tokens import read_tokens
    from slidesieve.tiling.tile import tile_slide
    from slidesieve.tissue.segment import segment_slide
    from slidesieve.training.fitted import load_model
    from slidesieve.training.loop import fit_fold

__version__ = "0.1.0"

__all__ = [
    "build_model",
    "extract_features",
    "fit_fold",
    "load_encoder",
    "load_ensemble",
    "load_features",
    "load_model",
    "load_study_files",
    "make_folds",
    "open_slide",
    "predict",
    "read_features",
    "read_tiles",
    "read_tokens",
    "segment_slide",
    "slide_attention",
    "tile_slide",
]

_MODULES = {
    "build_model": "models.classifier",
    "extract_features": "extraction.extractor",
    "fit_fold": "training.loop",
    "load_encoder": "encoders.registry",
    "load_ensemble": "inference.predict",
    "load_features": "inference.predict",
    "load_model": "training.fitted",
    "load_study_files": "config.load",
    "make_folds": "splits.folds",
    "open_slide": "slide.open",
    "predict": "inference.predict",
    "read_features": "store.features",
    "read_tiles": "store.tiles",
    "read_tokens": "store.tokens",
    "segment_slide": "tissue.segment",
    "slide_attention": "inference.attention",
    "tile_slide": "tiling.tile",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
