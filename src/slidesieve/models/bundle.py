"""The bundle: one folder that holds a trained model with all that its use needs.

| file | content |
|---|---|
| `bundle.json` | this module's `Bundle`: spec, classes, encoder, tiles, tissue, fits, data |
| `metrics.csv` | rows of the study's summary.csv about the model |
| `training_content.csv` | checksums of the features it was trained on, without names |
| `README.md` | the model card, written from the above |
| `<fit>/` | `weights.safetensors`, `model.json`, `history.csv` of `fold_0`, `fold_1`, …, `final` |

No library of numbers is loaded here, for configs that name a bundle are read by every job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.errors import ConfigError, ContractError
from slidesieve.parsing.settings import STRICT, parse_settings, plain
from slidesieve.store.atomic import write_json
from slidesieve.tiling.settings import TileSettings
from slidesieve.tissue.params import TissueParams

BUNDLE_FILE = "bundle.json"
METRICS_FILE = "metrics.csv"
CONTENT_FILE = "training_content.csv"
CARD_FILE = "README.md"
WEIGHTS_FILE = "weights.safetensors"
FIT_FILES = (WEIGHTS_FILE, "model.json", "history.csv")
FINAL = "final"
SCHEMA_VERSION = 1

_Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
_FitName = Annotated[StrictStr, Field(pattern=r"^(fold_\d+|final)$")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class BundledEncoder:
    """The encoder whose features the model reads.

    Attributes:
        id: Its name in results/ and tables.
        entry: Its entry in a config, without paths of a machine; empty for ready-made features.
        name: As features files say it.
        revision: What pins its weights: the features files' `encoder_revision`.
        source: Where the weights came from, in words.
        transform: How tiles were brought to it.
        pooling: How its output became one vector.
        precision: Its arithmetic.
        width: Numbers per tile.
        licence: Of its weights, in words.
        local_weights: Name of the file or folder of weights that the study gave, "" if none. A
            user of the bundle has to give it again.
    """

    id: _Name
    entry: dict[str, Any]
    name: StrictStr
    revision: StrictStr
    source: StrictStr
    transform: StrictStr
    pooling: StrictStr
    precision: StrictStr
    width: StrictInt
    licence: StrictStr
    local_weights: StrictStr = ""


@dataclass(frozen=True, config=STRICT, kw_only=True)
class BundledFit:
    """One fitted model of a bundle.

    Attributes:
        weights_sha256: Of its file of weights.
        seed: Of the fit.
        best_epoch: Epoch, from 1, whose weights these are.
        signs: What says that the fit has failed; empty as a rule.
    """

    weights_sha256: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
    seed: StrictInt
    best_epoch: StrictInt
    signs: list[StrictStr]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class DataCard:
    """The slides that the model was made from, in numbers.

    Attributes:
        slides: Used slides of each class.
        patients: Their patients, of each class.
        left_out: Slides that could not be used.
        scanners: Used slides by vendor of the file.
        mpp: Used slides by µm per level-0 px.
        tiles_median: Tiles of the median slide.
        split: How folds were made, in words.
    """

    slides: dict[StrictStr, StrictInt]
    patients: dict[StrictStr, StrictInt]
    left_out: StrictInt
    scanners: dict[StrictStr, StrictInt]
    mpp: dict[StrictStr, StrictInt]
    tiles_median: StrictInt
    split: StrictStr


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Bundle:
    """What bundle.json holds.

    Attributes:
        schema_version: Of this form.
        dataset: The dataset that the model was trained on.
        model: The model's name in its study.
        spec: Its spec in the config.
        classes: In the order of the logits.
        encoder: What makes its features.
        tiles: How tiles are cut; None where the study began with ready-made features.
        tissue: How tissue is told from glass.
        fits: By name, `fold_<k>` and perhaps `final`.
        data: The slides it was made from.
        versions: Of SlideSieve, and of the stages that made it.
    """

    schema_version: StrictInt
    dataset: _Name
    model: _Name
    spec: dict[str, Any]
    classes: Annotated[list[StrictStr], Field(min_length=2)]
    encoder: BundledEncoder
    tiles: TileSettings | None
    tissue: TissueParams
    fits: Annotated[dict[_FitName, BundledFit], Field(min_length=1)]
    data: DataCard
    versions: dict[StrictStr, StrictStr | StrictInt]

    @property
    def folds(self) -> list[str]:
        """Names of the folds' fits, in their order."""
        names = (name for name in self.fits if name != FINAL)
        return sorted(names, key=lambda name: int(name.removeprefix("fold_")))

    @property
    def dataset_settings(self) -> dict[str, object]:
        """Keys of a dataset whose slides are to be made fit for the model."""
        settings = {"classes": list(self.classes), "tissue": plain(self.tissue)}
        return (plain(self.tiles) if self.tiles else {}) | settings


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a bundle, sound or not."""
    return (folder / BUNDLE_FILE).is_file()


def write_bundle(folder: Path, bundle: Bundle) -> None:
    """Write bundle.json; the other files are there already."""
    write_json(folder / BUNDLE_FILE, plain(bundle))


def read_bundle(folder: Path) -> Bundle:
    """Read what a bundle says of itself.

    Raises:
        ContractError: The folder holds no bundle, or one of another form.
    """
    path = folder / BUNDLE_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ContractError(f"{folder}: not a bundle, it holds no {BUNDLE_FILE}") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ContractError(f"{path}: cannot be read ({error}); get the bundle again") from error
    version = content.get("schema_version") if isinstance(content, Mapping) else None
    if version != SCHEMA_VERSION:
        raise ContractError(
            f"{path}: is of form {version}, this SlideSieve reads form {SCHEMA_VERSION}; "
            "use the version of SlideSieve that made it"
        )
    try:
        return parse_settings(Bundle, content)
    except ConfigError as error:
        raise ContractError("\n".join(f"{path}: {problem}" for problem in error.problems)) from None
