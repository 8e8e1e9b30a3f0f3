"""From config files, or a config as Snakemake holds it, to the records of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from slidesieve.config.checks import check_config
from slidesieve.config.layers import Config, layered, read_layers, read_shipped_layer
from slidesieve.config.model_source import with_inherited
from slidesieve.config.shipped import shipped_config_file, shipped_root
from slidesieve.config.study import Study, build_study
from slidesieve.errors import ConfigError


def load_study(
    own: Mapping,
    shipped: Mapping | None = None,
    further_checks: Callable[[Config], Iterable[str]] = lambda _: (),
) -> Study:
    """Check a whole config at once, fill in its defaults and turn it into records.

    Args:
        own: The user's config files laid over one another; empty for the demo.
        shipped: The config below it; by default the one that comes with SlideSieve.
        further_checks: Gives more mistakes of the whole config, to be reported with the others.

    Raises:
        ConfigError: With every mistake in the config and its sample sheets.
    """
    return study_of(config_in_force(own, shipped), further_checks)


def config_in_force(own: Mapping, shipped: Mapping | None = None) -> Config:
    """Lay the user's config over the shipped one; arguments are those of `load_study`."""
    return with_inherited(layered(read_shipped_config() if shipped is None else shipped, own))


def study_of(
    config: Config, further_checks: Callable[[Config], Iterable[str]] = lambda _: ()
) -> Study:
    """Check a config that is in force and turn it into records.

    Args:
        config: All layers, see `config_in_force`.
        further_checks: See `load_study`.

    Raises:
        ConfigError: With every mistake in the config and its sample sheets.
    """
    checked = check_config(config)
    problems = dict.fromkeys([*checked.problems, *further_checks(config)])
    if problems:
        raise ConfigError(problems)
    return build_study(config, checked.sheets)


def load_study_files(files: Sequence[Path]) -> Study:
    """Load the study that config files mean, laid over one another and over the shipped config.

    Raises:
        ConfigError: With every mistake in them.
    """
    return load_study(read_layers(files))


def read_shipped_config() -> Config:
    """The shipped config; its sample sheet is found from any folder."""
    config = read_shipped_layer(shipped_config_file())
    for settings in config["datasets"].values():
        sheet = Path(settings["slides"])
        if not sheet.exists():
            settings["slides"] = str(shipped_root() / sheet)
    return config
