"""From a config as the user wrote it to the records of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import yaml
from snakemake.utils import validate

from slidesieve.config.checks import check_config
from slidesieve.config.layers import settle_layers
from slidesieve.config.study import Study, build_study
from slidesieve.errors import ConfigError


def load_study(
    config: dict, schemas: Path, further_checks: Callable[[dict], Iterable[str]] = lambda _: ()
) -> Study:
    """Check a whole config at once, fill in its defaults and turn it into records.

    Args:
        config: Config files laid over one another; changed in place.
        schemas: Folder of the JSON schemas.
        further_checks: Gives more mistakes of the config, to be reported with the others.

    Raises:
        ConfigError: With every mistake in the config and its sample sheets.
    """
    config_schema, row_schema = (
        yaml.safe_load((schemas / f"{name}.schema.yaml").read_text(encoding="utf-8"))
        for name in ("config", "samples")
    )
    settle_layers(config)
    checked = check_config(config, config_schema, row_schema)
    problems = [*checked.problems, *further_checks(config)]
    if problems:
        raise ConfigError(problems)
    validate(config, schemas / "config.schema.yaml")
    return build_study(config, checked.sheets)
