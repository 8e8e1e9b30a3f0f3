"""Studies as records, of slides that need not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from slidesieve.config.load import load_study
from slidesieve.config.study import Study

SLIDES = tuple(f"s{number}" for number in range(6))
MODELS = {"abmil": {"aggregator": "abmil"}, "mean": {"aggregator": "mean"}}


def small_sheet(path: Path, slides_dir: str = "slides", slide_ids: Iterable[str] = SLIDES) -> str:
    """Write a sheet of slides, one per patient, that are benign and tumour in turn."""
    rows = [
        f"{slide},P{slide},{('benign', 'tumour')[i % 2]},{slides_dir}/{slide}.svs"
        for i, slide in enumerate(slide_ids)
    ]
    path.write_text("\n".join(["slide_id,patient_id,label,path", *rows]) + "\n")
    return str(path)


def small_dataset(sheet: str, **settings: object) -> dict[str, object]:
    """The config of a dataset of such a sheet."""
    return {"slides": sheet, "classes": ["benign", "tumour"], "folds": {"k": 2}} | settings


def small_study(datasets: Mapping[str, Mapping], **keys: object) -> Study:
    """The study of a config: two models and one encoder, unless `keys` says otherwise."""
    own = {"datasets": datasets, "encoders": ["colour_texture"], "models": MODELS} | keys
    return load_study(own)
