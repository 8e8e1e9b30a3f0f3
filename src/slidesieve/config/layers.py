"""Config files laid over one another, turned into the one config they mean."""

from __future__ import annotations

from collections.abc import Mapping

# Sections whose entries a later file takes back by setting them to null, and how few may be left.
_TAKEN_BACK = {"datasets": 1, "models": 1, "paper_tables": 0}
_PARTS = ("reducer", "aggregator")


def settle_layers(config: dict) -> None:
    """Fill in what models take over from others, then drop what is set to null; in place.

    A model that says `like: other` is that other model but for what it says itself. A part
    (reducer or aggregator) with a name takes the place of the other's; a part without one changes
    settings of it. A `like` that cannot be followed stays for the checks to find.
    """
    models = config.get("models")
    if isinstance(models, dict):
        settled = {name: _filled_in(spec, models) for name, spec in models.items()}
        models.update(settled)
    for section, fewest in _TAKEN_BACK.items():
        entries = config.get(section)
        if isinstance(entries, dict) and len(entries) > fewest:
            for name in [name for name, entry in entries.items() if entry is None]:
                del entries[name]


def _filled_in(spec: object, models: Mapping) -> object:
    if not isinstance(spec, Mapping) or "like" not in spec:
        return spec
    base = models.get(spec["like"]) if isinstance(spec["like"], str) else None
    if not isinstance(base, Mapping) or "like" in base:
        return spec
    own = {key: value for key, value in spec.items() if key != "like"}
    changed = {part: _changed(base.get(part), own[part]) for part in _PARTS if part in own}
    return {**base, **own, **changed}


def _changed(part: object, change: object) -> object:
    """Return a part of a model with some settings changed, or the part that replaces it."""
    if not isinstance(change, Mapping) or "name" in change or part is None:
        return change
    return {**({"name": part} if isinstance(part, str) else part), **change}
