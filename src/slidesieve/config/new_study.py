"""The config file that `slidesieve init` writes: short, commented, ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from slidesieve.config.load import read_shipped_config
from slidesieve.config.schema import language_server_line
from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import did_you_mean

_BUILT_IN_ENCODER = "colour_texture"
# The shipped models are small, as suits the built-in encoder; others take the models' own widths.
_WIDTHS = ("hidden_dim", "attention_dim")

_TEMPLATE = """\
{language_server}
# {name}: check and run it with
#   slidesieve run {name}.yaml -n          # what would be done
#   slidesieve run {name}.yaml --cores 4
#   slidesieve report {name}.yaml {name}.html
# Keys that are not here have the defaults of docs/reference/config.md.

datasets:
  {name}: # -> results/{name}/
{source}
    classes: {classes} # labels of the sheet, in the order of the tables
{tiles}    folds: {{ k: 5 }} # each patient is tested once; `file: folds.csv` takes your own

encoders:
  - {encoder} # `slidesieve encoders` lists them

models: # name -> a reducer (which tiles to keep) and an aggregator
{models}

evaluation:
  compare_to: {reference} # all other models are tested against this one
"""

_TILES = """\
    target_mpp: {mpp} # µm per px of a tile
    tile_px: 256 # side of a tile
    # assume_mpp: 0.25 # µm per px of slides that state none
"""


@dataclass(frozen=True)
class NewStudy:
    """Answers that make a study.

    Attributes:
        name: Of the study, its dataset and its files.
        sheet: Sample sheet.
        features: Folder of ready-made features, or None for slides.
        slides_dir: Folder that paths of the sheet start from, or None.
        classes: Labels, in order.
        encoder: Of the tiles, or whose features they are.
        models: Names of shipped models, the first being the reference.
        mpp: µm per px of a tile.
    """

    name: str
    sheet: str
    features: str | None
    slides_dir: str | None
    classes: Sequence[str]
    encoder: str
    models: Sequence[str]
    mpp: float


def study_text(study: NewStudy) -> str:
    """Return the YAML file of a new study.

    Raises:
        ConfigError: A model is not among the shipped ones.
    """
    shipped: Mapping[str, Mapping] = read_shipped_config()["models"]
    unknown = [name for name in study.models if name not in shipped]
    if unknown:
        raise ConfigError([f"no model {name!r}; {did_you_mean(name, shipped)}" for name in unknown])
    specs = {name: _fitting(shipped[name], study.encoder) for name in study.models}
    return _TEMPLATE.format(
        language_server=language_server_line(),
        name=study.name,
        source=_source(study),
        classes=_flow(list(study.classes)),
        tiles="" if study.features else _TILES.format(mpp=_flow(study.mpp)),
        encoder=_flow(_BUILT_IN_ENCODER if study.features else study.encoder),
        models="\n".join(f"  {name}: {_flow(spec)}" for name, spec in specs.items()),
        reference=study.models[0],
    )


def _source(study: NewStudy) -> str:
    if study.features:
        lines = {"features": study.features, "labels": study.sheet, "encoder": study.encoder}
    else:
        lines = {"slides": study.sheet}
        if study.slides_dir:
            lines["slides_dir"] = study.slides_dir
    return "\n".join(f"    {key}: {_flow(value)}" for key, value in lines.items())


def _fitting(spec: Mapping, encoder: str) -> dict:
    if encoder == _BUILT_IN_ENCODER:
        return dict(spec)
    return {
        part: {key: value for key, value in settings.items() if key not in _WIDTHS}
        if isinstance(settings, Mapping)
        else settings
        for part, settings in spec.items()
    }


def _flow(value: object) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
