"""The packages of the extra `vqa`, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from slidesieve.errors import ConfigError


def import_optional(name: str) -> Any:  # noqa: ANN401
    """Import transformers, peft or accelerate.

    Raises:
        ConfigError: It is not installed; says what to install.
    """
    from slidesieve.encoders.torchvision_compat import import_torchvision

    # Every model of transformers imports torchvision, which may be built for another torch.
    import_torchvision()
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ConfigError(
            [f"slide question answering needs {name}: pip install 'slidesieve[vqa]'"]
        ) from error
