"""What a config may say about an encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import did_you_mean

PRECISIONS = ("fp32", "fp16", "bf16")


@dataclass(frozen=True)
class EncoderSpec:
    """One entry of `encoders` in the config.

    Attributes:
        name: Of a published encoder, or family, or family:model.
        pretrained: True downloads the published weights, False asks for random ones on purpose;
            None (not stated) downloads them unless `weights` is given.
        weights: Local file of weights, .safetensors, .pth or .bin, or a folder as the hub has it.
        revision: Commit, tag or branch of the hub's repository in place of the registry's.
        sha256: Of the file of weights; another file is refused.
        pooling: How the output becomes one vector, where an encoder has several ways.
        precision: "fp32", "fp16" or "bf16"; None leaves the choice to the encoder.
        device: As torch writes it ("cpu", "cuda", "cuda:1"); None takes a GPU if there is one.
    """

    name: str
    pretrained: bool | None = None
    weights: Path | None = None
    revision: str | None = None
    sha256: str | None = None
    pooling: str | None = None
    precision: str | None = None
    device: str | None = None

    @property
    def family(self) -> str:
        """What stands before the colon of the name."""
        return self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """What stands after the first colon of the name, or nothing."""
        return self.name.partition(":")[2]


def parse_encoder(entry: str | Mapping[str, object]) -> EncoderSpec:
    """Read an entry of `encoders`: a name, or a mapping with `name` and options.

    Raises:
        ConfigError: With every mistake in the entry.
    """
    options = {"name": entry} if isinstance(entry, str) else dict(entry)
    where = f"encoder {options.get('name', '?')}"
    allowed = [field.name for field in fields(EncoderSpec)]
    problems = [
        f"{where}: unknown key {key!r}; {did_you_mean(str(key), allowed)}"
        for key in options
        if key not in allowed
    ]
    if not isinstance(options.get("name"), str) or not options["name"]:
        problems.append(f"{where}: name is missing or not text")
    if not isinstance(options.get("pretrained"), bool | None):
        problems.append(f"{where}: pretrained is {options['pretrained']!r}, not true or false")
    if not isinstance(options.get("weights"), str | Path | None):
        problems.append(f"{where}: weights is {options['weights']!r}, not the path of a file")
    if not isinstance(options.get("device"), str | None):
        problems.append(f"{where}: device is {options['device']!r}, not text such as cpu or cuda:0")
    if not isinstance(options.get("revision"), str | None):
        problems.append(f"{where}: revision is {options['revision']!r}, not text: put it in quotes")
    if not isinstance(options.get("pooling"), str | None):
        problems.append(f"{where}: pooling is {options['pooling']!r}, not text")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", str(options.get("sha256") or "0" * 64)):
        problems.append(f"{where}: sha256 is {options['sha256']!r}, not 64 hexadecimal digits")
    if options.get("precision") not in (*PRECISIONS, None):
        problems.append(
            f"{where}: precision is {options['precision']!r}, not {_listed(PRECISIONS)}"
        )
    if options.get("pretrained") is True and options.get("weights") is not None:
        problems.append(f"{where}: pretrained: true and weights exclude each other")
    if problems:
        raise ConfigError(problems)
    if options.get("weights") is not None:
        options["weights"] = Path(options["weights"])
    return EncoderSpec(**options)


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
