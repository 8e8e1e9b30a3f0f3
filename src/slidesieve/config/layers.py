"""Config files laid over one another, and over the shipped config."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slidesieve.config.shipped import find_file
from slidesieve.config.yaml_traps import yaml_traps
from slidesieve.errors import ConfigError

Config = dict[str, Any]

_PARTS = ("reducer", "aggregator")
# Keys whose shipped value names a shipped model.
_MODEL_KEYS = (("evaluation", "compare_to"), ("report", "heatmap_model"))
_FALLBACK_MODEL = "abmil"


def read_layers(files: Sequence[Path]) -> Config:
    """Read YAML files, each laid over those before it, as Snakemake does with `--configfile`.

    Raises:
        ConfigError: Names the files that are no YAML mappings, and the traps in the others.
    """
    config, problems = _laid_over_one_another(files)
    problems += yaml_traps(files)
    if problems:
        raise ConfigError(problems)
    return config


def read_shipped_layer(file: Path) -> Config:
    """Read the shipped config; every process does, so it is not searched for traps."""
    config, problems = _laid_over_one_another([file])
    if problems:
        raise ConfigError(problems)
    return config


def _laid_over_one_another(files: Sequence[Path]) -> tuple[Config, list[str]]:
    """The files' config, and why some of them are no mappings."""
    config: Config = {}
    problems = []
    for file in files:
        try:
            layer = yaml.safe_load(find_file(file).read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            problems.append(f"{file}: cannot be read as YAML ({error})")
            continue
        if isinstance(layer, dict):
            lay_over(config, layer)
        else:
            problems.append(f"{file}: must be a mapping of keys to values")
    return config, problems


def lay_over(below: Config, above: Mapping) -> None:
    """Lay a mapping over another in place: mappings are merged key by key, all else replaces."""
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            lay_over(below[key], value)
        else:
            below[key] = copy.deepcopy(value)


def layered(shipped: Mapping, own: Mapping) -> Config:
    """Lay the user's config over the shipped one.

    A section of datasets or models that names any takes the place of the shipped section; a shipped
    model is still reached by `like:` and by rows of paper tables. Encoders take the place of the
    shipped ones, and paper tables stand beside them. All other sections are merged key by key.
    An entry that is null is taken back. Broken shapes stay for the checks to find.

    Args:
        shipped: The shipped config.
        own: The user's, all files laid over one another.
    """
    config: Config = copy.deepcopy(dict(shipped))
    lay_over(config, _without_empty_sections(own))
    for section in ("datasets", "models"):
        if isinstance(config.get(section), dict):
            config[section] = _chosen(shipped, own, section)
    config["paper_tables"] = _present(config.get("paper_tables") or {})
    if isinstance(config.get("models"), dict):
        config["models"] = _settled_models(config, _reachable_models(shipped, own))
    _name_models_that_are_there(config, own)
    return config


def _chosen(shipped: Mapping, own: Mapping, section: str) -> Config:
    """The user's entries of a section, or the shipped ones if there are none."""
    theirs, ours = _entries(own, section), _entries(shipped, section)
    return copy.deepcopy(_present(theirs) or _present({**ours, **theirs}))


def _reachable_models(shipped: Mapping, own: Mapping) -> Config:
    """All models that others may be like, and that rows of paper tables may name."""
    ours, theirs = _entries(shipped, "models"), _entries(own, "models")
    # A model that is like its own name is like the shipped model.
    changed = {
        name: _filled_in(spec, ours)
        for name, spec in theirs.items()
        if isinstance(spec, Mapping) and spec.get("like") == name
    }
    return _present({**ours, **theirs, **changed})


def _settled_models(config: Mapping, reachable: Mapping) -> Config:
    """The models of a config and of its paper tables, with all that they take over from others."""
    names = [*config["models"], *_rows_of_paper_tables(config)]
    return {
        name: _filled_in(reachable.get(name), reachable)
        for name in dict.fromkeys(names)
        if name in reachable
    }


def _rows_of_paper_tables(config: Mapping) -> Iterator[str]:
    for table in _entries(config, "paper_tables").values():
        if isinstance(table, Mapping):
            yield from _entries(table, "rows")


def _filled_in(spec: object, models: Mapping) -> object:
    """Return a spec with all that it takes over from the model it is `like`.

    A part (reducer or aggregator) with a name takes the place of the other's; a part without one
    changes settings of it. A `like` that cannot be followed stays for the checks to find.
    """
    if not isinstance(spec, Mapping) or not isinstance(spec.get("like"), str):
        return spec
    base = models.get(spec["like"])
    if not isinstance(base, Mapping) or "like" in base:
        return spec
    own = {key: value for key, value in spec.items() if key != "like"}
    changed = {part: _changed(base.get(part), own[part]) for part in _PARTS if part in own}
    return copy.deepcopy({**base, **own, **changed})


def _changed(part: object, change: object) -> object:
    """Return a part of a model with some settings changed, or the part that replaces it."""
    if not isinstance(change, Mapping) or "name" in change or part is None:
        return change
    below = {"name": part} if isinstance(part, str) else part
    return {**below, **change} if isinstance(below, Mapping) else change


def _name_models_that_are_there(config: Config, own: Mapping) -> None:
    """Let shipped keys that name a model which has dropped out name another."""
    models = _entries(config, "models")
    for section, key in _MODEL_KEYS:
        settings = config.get(section)
        chosen_by_user = key in _entries(own, section)
        if isinstance(settings, dict) and not chosen_by_user and settings.get(key) not in models:
            settings[key] = _FALLBACK_MODEL if _FALLBACK_MODEL in models else None


def _without_empty_sections(own: Mapping) -> Config:
    """Drop sections that hold nothing, as one does whose keys are all commented out."""
    return {key: value for key, value in own.items() if value is not None}


def _entries(config: Mapping, section: str) -> Mapping:
    """A section's entries; none where it is no mapping, which the checks find."""
    found = config.get(section)
    return found if isinstance(found, Mapping) else {}


def _present(entries: object) -> Any:  # noqa: ANN401
    """Entries that are not taken back; a section that is no mapping stays as it is."""
    if not isinstance(entries, Mapping):
        return entries
    return {name: entry for name, entry in entries.items() if entry is not None}
