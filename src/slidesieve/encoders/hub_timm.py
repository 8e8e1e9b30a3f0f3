"""Any timm model of the Hugging Face hub, as its config.json describes it."""

from __future__ import annotations

from collections.abc import Mapping

from slidesieve.encoders.card import EncoderCard
from slidesieve.encoders.published import build_card, read_config
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.encoders.torch_encoder import TorchEncoder
from slidesieve.encoders.transforms import ANTIALIASED
from slidesieve.errors import ConfigError


def build(spec: EncoderSpec) -> TorchEncoder:
    """Build the encoder of `hf-hub:owner/name`.

    Raises:
        ConfigError: The repository is no timm model, or its files cannot be had or do not fit.
    """
    repository = spec.name.rpartition("hf-hub:")[2]
    return build_card(_card_of(repository, read_config(spec, repository, None), spec), spec)


def _card_of(repository: str, config: Mapping, spec: EncoderSpec) -> EncoderCard:
    """Describe a repository by its config.json, which may nest what it says of the training."""
    trained = {**config, **config.get("pretrained_cfg", {})}
    options = dict(config.get("model_args", {}))
    options.pop("num_classes", None)
    interpolation = trained.get("interpolation", "bicubic")
    if interpolation not in ANTIALIASED:
        raise ConfigError(
            [
                f"encoder {spec.name}: the model wants {interpolation!r} interpolation, "
                f"which is not supported ({', '.join(ANTIALIASED)} are)"
            ]
        )
    try:
        return EncoderCard(
            name=repository.rpartition("/")[2],
            hub_id=repository,
            architecture=config["architecture"],
            options=options,
            tower="whole",
            layout="timm",
            token_width=0,
            poolings=(str(options.get("global_pool", config.get("global_pool", "its own"))),),
            input_px=int(trained["input_size"][-1]),
            interpolation=interpolation,
            mean=tuple(trained["mean"]),
            std=tuple(trained["std"]),
            licence=str(trained.get("license", "see its page")),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            [f"encoder {spec.name}: the config.json of {repository} lacks {error}"]
        ) from error
