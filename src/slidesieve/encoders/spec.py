"""An encoder's entry in a config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.errors import ConfigError
from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT, parse_settings, settings_problems

_Sha256 = Annotated[
    StrictStr,
    Field(pattern=r"^[0-9a-fA-F]{64}$", json_schema_extra={WORDS: "64 hexadecimal digits"}),
]


@dataclass(frozen=True, config=STRICT)
class EncoderSpec:
    """One entry of `encoders` in the config."""

    name: StrictStr = Field(
        min_length=1, description="A published encoder, or a family, or family:model."
    )
    pretrained: StrictBool | None = Field(
        default=None,
        description="true downloads the published weights, false asks for random ones on purpose; "
        "null downloads them unless `weights` is given.",
    )
    weights: Path | None = Field(
        default=None,
        json_schema_extra={WORDS: "the path of a file or folder, or null"},
        description="Local file of weights, .safetensors, .pth or .bin, or a folder as the hub "
        "has it.",
    )
    revision: StrictStr | None = Field(
        default=None,
        json_schema_extra={WORDS: "text (put it in quotes), or null"},
        description="Commit, tag or branch of the hub's repository in place of the registry's.",
    )
    sha256: _Sha256 | None = Field(
        default=None, description="Of the file of weights; another file is refused."
    )
    pooling: StrictStr | None = Field(
        default=None,
        description="How the output becomes one vector, where an encoder has several ways.",
    )
    precision: Literal["fp32", "fp16", "bf16"] | None = Field(
        default=None, description="Arithmetic; null leaves the choice to the encoder."
    )
    device: StrictStr | None = Field(
        default=None,
        json_schema_extra={WORDS: "text such as cpu or cuda:0, or null"},
        description="As torch writes it (cpu, cuda, cuda:1); null takes a GPU if there is one.",
    )

    @property
    def family(self) -> str:
        """The part of the name before the colon."""
        return self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """The part of the name after the first colon, or nothing."""
        return self.name.partition(":")[2]


def parse_encoder(entry: str | Mapping[str, object]) -> EncoderSpec:
    """Read an entry of `encoders`: a name, or a mapping with `name` and options.

    Raises:
        ConfigError: With every mistake in the entry.
    """
    options = {"name": entry} if isinstance(entry, str) else dict(entry)
    where = f"encoder {options.get('name', '?')}"
    problems = settings_problems(EncoderSpec, options, where=where)
    if options.get("pretrained") is True and options.get("weights") is not None:
        problems.append(f"{where}: pretrained: true and weights exclude each other")
    if problems:
        raise ConfigError(problems)
    return parse_settings(EncoderSpec, options)
