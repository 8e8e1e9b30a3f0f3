"""A study of new slides, written on the spot: the workflow predicts them as any other dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from slidesieve.errors import ConfigError
from slidesieve.models.bundle import Bundle, read_bundle
from slidesieve.plan import layout
from slidesieve.sheets.draft import SheetDraft
from slidesieve.sheets.from_folder import draft_from_files
from slidesieve.slide.find import find_slides, slide_name
from slidesieve.store.atomic import write_text
from slidesieve.store.tables import read_csv, write_csv

DATASET = "new_slides"
STUDY_FILE = "study.yaml"
TABLE = "predictions.csv"
_SHEET = "slides.csv"
_SHEET_ENDINGS = (".csv", ".tsv", ".txt")
_ALL = 1_000_000


@dataclass(frozen=True)
class NewSlides:
    """Slides to be predicted by a bundle.

    Attributes:
        bundle: Folder of the bundle.
        slides: Slide files, folders of them, or one sample sheet.
        out: Folder of everything that is made.
        heatmaps: Whether to draw where the model looked on each slide.
        tokens: Whether to show on each slide what the model's reducer kept, merged and pruned.
        mpp: µm per px of slides that state none.
        encoder_weights: Local weights of the encoder.
    """

    bundle: Path
    slides: Sequence[Path]
    out: Path
    heatmaps: bool = False
    tokens: bool = False
    mpp: float | None = None
    encoder_weights: Path | None = None


def write_study(new: NewSlides) -> Path:
    """Write the study of new slides into its folder.

    Returns:
        Its config file.

    Raises:
        ConfigError: A slide or folder is missing, or the folder holds something else.
        ContractError: The bundle is not sound.
    """
    bundle, config = read_bundle(new.bundle), new.out / STUDY_FILE
    if (
        new.out.exists()
        and not config.exists()
        and (not new.out.is_dir() or any(new.out.iterdir()))
    ):
        raise ConfigError([f"{new.out} holds something else already; choose another --output"])
    sheet = _own_sheet(new.slides)
    if sheet is None:
        sheet = new.out / _SHEET
        table = _draft(new.slides).table()[["slide_id", "patient_id", "path"]]
        new.out.mkdir(parents=True, exist_ok=True)
        write_csv(sheet, table)
    text = yaml.safe_dump(_config(new, bundle, sheet), sort_keys=False, allow_unicode=True)
    write_text(config, f"# Written by `slidesieve predict`, which writes it anew.\n{text}")
    return config


def write_predictions(out: Path, bundle: Bundle) -> pd.DataFrame:
    """Write predictions.csv into the folder of a finished study of new slides.

    Returns:
        A row per slide that was asked for: slide_id, patient_id, the columns of the workflow's
        predictions, status and reason; those left out have no prediction.
    """
    results = out / layout.RESULTS
    names = {"dataset": DATASET, "encoder": bundle.encoder.id, "model": bundle.model}
    cohort = read_csv(layout.below(results, layout.COHORT, **names))
    predictions = read_csv(layout.below(results, layout.PREDICTIONS, **names))
    table = cohort[["slide_id", "patient_id", "label", "status", "reason"]].merge(
        predictions.drop(columns=["patient_id", "label"]), on="slide_id", how="left"
    )
    if (table["label"] == "").all():
        table = table.drop(columns="label")
    last = ["status", "reason"]
    table = table[[*(name for name in table.columns if name not in last), *last]]
    write_csv(out / TABLE, table)
    return table


def _config(new: NewSlides, bundle: Bundle, sheet: Path) -> dict[str, object]:
    encoder = {**bundle.encoder.entry, "id": bundle.encoder.id}
    if new.encoder_weights is not None:
        encoder["weights"] = str(new.encoder_weights.absolute())
    dataset = {
        "slides": str(sheet.absolute()),
        "slides_dir": str(Path.cwd()),
        "models_from": str(new.bundle.absolute()),
        # Whatever is wrong with some slides, the others are predicted.
        "max_failed_fraction": 1.0,
        **({"assume_mpp": new.mpp} if new.mpp is not None else {}),
    }
    has_weights = new.encoder_weights is not None or not bundle.encoder.local_weights
    return {
        "datasets": {DATASET: dataset},
        # Without its weights the encoder is left out, and the checks of the config say so.
        **({"encoders": [encoder]} if bundle.encoder.entry and has_weights else {}),
        "models": {bundle.model: bundle.spec},
        "report": {
            "heatmap_model": bundle.model,
            "heatmaps_per_class": _ALL if new.heatmaps else 0,
            "token_models": [bundle.model],
            "tokens_per_class": _ALL if new.tokens else 0,
        },
    }


def _own_sheet(slides: Sequence[Path]) -> Path | None:
    """The user's sample sheet, or None where slides are given themselves."""
    sheets = [path for path in slides if path.suffix.lower() in _SHEET_ENDINGS]
    if not sheets:
        return None
    if len(slides) > 1:
        raise ConfigError([f"{sheets[0]}: give one sample sheet, or slides and folders"])
    if not sheets[0].is_file():
        raise ConfigError([f"{sheets[0]}: no such sample sheet"])
    return sheets[0]


def _draft(slides: Sequence[Path]) -> SheetDraft:
    files = [(slide_name(path), path.absolute()) for path in _files(slides)]
    return draft_from_files(list(dict.fromkeys(files)), {})


def _files(slides: Sequence[Path]) -> Iterator[Path]:
    for path in slides:
        if not path.exists():
            raise ConfigError([f"{path}: no such slide, folder or sample sheet"])
        if not path.is_dir() or path.suffix.lower() == ".zarr":
            yield path
            continue
        found = find_slides(path)
        if not found:
            raise ConfigError([f"{path}: the folder holds no slide"])
        yield from found
