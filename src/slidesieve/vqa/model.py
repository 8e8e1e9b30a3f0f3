"""A model that answers questions about slides: image tokens in front of a language model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from slidesieve import __version__
from slidesieve.errors import ContractError
from slidesieve.parsing.settings import parse_settings, plain
from slidesieve.stages import STAGES
from slidesieve.store.atomic import atomic_path, write_json
from slidesieve.tokens import Reduction, TokenBatch
from slidesieve.vqa.connector import Prefix, SlidePrefix
from slidesieve.vqa.language import (
    Language,
    causal_model,
    load_adapters,
    load_language,
    with_adapters,
)
from slidesieve.vqa.model_settings import AnswererSettings, LanguageSettings
from slidesieve.vqa.packing import PackedBatch, Root, Segment, pack


@dataclass(frozen=True)
class AnswerOutput:
    """What a language model makes of packed text.

    Attributes:
        log_probability: (S,) float32, of each scored segment, summed over its tokens.
        n_tokens: (S,) int64, number of those tokens.
        reduction: What the reducer did.
    """

    log_probability: Tensor
    n_tokens: Tensor
    reduction: Reduction | None

    @property
    def mean(self) -> Tensor:
        """(S,) log-probability per token."""
        return self.log_probability / self.n_tokens


class SlideAnswerer(nn.Module):
    """Connector and language model.

    Args:
        connector: Makes image tokens.
        language: A causal language model, with or without adapters.
    """

    def __init__(self, connector: SlidePrefix, language: nn.Module) -> None:
        super().__init__()
        self.connector = connector
        self.language = language

    def forward(
        self,
        tokens: TokenBatch,
        before: Sequence[int],
        packs: Sequence[Sequence[Segment]],
    ) -> AnswerOutput:
        """Return the log-probabilities of scored text about B cases.

        Args:
            tokens: The bags of the cases.
            before: Ids in front of the image tokens.
            packs: The text about each case, see `packing`.
        """
        return self.answer(self.connector(tokens), before, packs)

    def answer(
        self,
        prefix: Prefix | None,
        before: Sequence[int],
        packs: Sequence[Sequence[Segment]],
    ) -> AnswerOutput:
        """Return the log-probabilities of scored text behind image tokens, or behind none."""
        batch = pack(_roots(prefix, before, len(packs)), packs).to(self.device)
        embeddings = self.embedded(batch.ids, batch.image, prefix)
        hidden = (
            causal_model(self.language)
            .get_decoder()(
                inputs_embeds=embeddings,
                attention_mask=self._attention_mask(batch.mask, embeddings.dtype),
                position_ids=batch.positions,
                use_cache=False,
            )
            .last_hidden_state
        )
        log_probability, n_tokens = self._scored(hidden, batch)
        return AnswerOutput(log_probability, n_tokens, prefix.reduction if prefix else None)

    def embedded(self, ids: Tensor, image: Tensor, prefix: Prefix | None) -> Tensor:
        """Return the embeddings of text with the image tokens put in, (B, L, d).

        Args:
            ids: (B, L).
            image: (B, L) bool, where each case's image tokens go.
            prefix: They, or None if there are none.
        """
        embeddings = causal_model(self.language).get_input_embeddings()(ids)
        if prefix is None:
            return embeddings
        tokens = prefix.embeddings[prefix.mask].to(embeddings.dtype)
        return embeddings.masked_scatter(image[..., None], tokens)

    def _scored(self, hidden: Tensor, batch: PackedBatch) -> tuple[Tensor, Tensor]:
        # Options share the position that predicts their first token: its logits are made once.
        places, which = batch.predictor.unique(return_inverse=True)
        head = causal_model(self.language).get_output_embeddings()
        log_softmax = head(hidden.flatten(end_dim=1)[places]).float().log_softmax(dim=-1)
        found = log_softmax[which, batch.target]
        zeros = found.new_zeros(batch.n_segments)
        ones = torch.ones_like(batch.segment)
        return (
            zeros.index_add(0, batch.segment, found),
            torch.zeros_like(zeros, dtype=torch.int64).index_add(0, batch.segment, ones),
        )

    def _attention_mask(self, mask: Tensor, dtype: torch.dtype) -> Tensor:
        if causal_model(self.language).config._attn_implementation != "eager":
            return mask
        return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(
            ~mask, torch.finfo(dtype).min
        )

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.connector.projector.parameters()).device


def _roots(prefix: Prefix | None, before: Sequence[int], count: int) -> list[Root]:
    if prefix is None:
        return [Root(tuple(before), torch.zeros(0, dtype=torch.int64), 0)] * count
    places, mask, spans = prefix.places.cpu(), prefix.mask.cpu(), prefix.spans.tolist()
    return [Root(tuple(before), places[i][mask[i]], spans[i]) for i in range(count)]


@dataclass(frozen=True)
class Answerer:
    """A model that answers questions, and all that is needed to use it again.

    Attributes:
        model: The model.
        tokenizer: Of its language model.
        settings: Its settings.
        language: Those of its language model.
        language_name: Name or folder of the language model that it began with.
        dim: Width of the features it takes.
        positions: "compact" or "original".
        facts: More that is to be known of it: encoder, seed, stages.
    """

    model: SlideAnswerer
    tokenizer: Any
    settings: AnswererSettings
    language: LanguageSettings
    language_name: str
    dim: int
    positions: str
    facts: Mapping[str, object]


def build_answerer(
    language: Language,
    settings: AnswererSettings,
    language_settings: LanguageSettings,
    language_name: str,
    dim: int,
    positions: str,
    facts: Mapping[str, object],
) -> Answerer:
    """Put an untrained connector before a language model, which gets its adapters if it has any.

    The arguments are the attributes of `Answerer`; random numbers come from torch's generator.
    """
    model = language.model
    if settings.adapt == "lora":
        model = with_adapters(model, settings.lora)
    connector = _connector(settings, dim, model, positions)
    return Answerer(
        model=SlideAnswerer(connector, model),
        tokenizer=language.tokenizer,
        settings=settings,
        language=language_settings,
        language_name=language_name,
        dim=dim,
        positions=positions,
        facts=facts,
    )


def save_answerer(folder: Path, answerer: Answerer) -> None:
    """Write connector.safetensors, model.json, and what was learnt of the language model.

    That is adapter/ with adapters, lm/ if all its weights were trained, and nothing if it is as it
    was: the tokenizer and the untrained weights are those of `language_name`.
    """
    weights = {
        name: tensor.cpu().contiguous()
        for name, tensor in answerer.model.connector.state_dict().items()
    }
    with atomic_path(folder / "connector.safetensors") as partial:
        save_file(weights, partial)
    adapt = answerer.settings.adapt
    language: Any = answerer.model.language
    if adapt == "lora":
        language.save_pretrained(folder / "adapter")
    elif adapt == "full":
        language.save_pretrained(folder / "lm")
        answerer.tokenizer.save_pretrained(folder / "lm")
    write_json(
        folder / "model.json",
        {
            "settings": plain(answerer.settings),
            "language": plain(answerer.language),
            "language_name": answerer.language_name,
            "dim": answerer.dim,
            "positions": answerer.positions,
            **answerer.facts,
            "versions": {
                "slidesieve": __version__,
                "stage": STAGES["vqa_train"],
                "torch": torch.__version__,
            },
        },
    )


def load_answerer(
    folder: Path, device: torch.device | str = "cpu", training_parts: bool = False
) -> Answerer:
    """Read a model that `save_answerer` wrote.

    Args:
        folder: Where it lies.
        device: Where to put it.
        training_parts: Whether to read the modules that only training needs, too.

    Raises:
        ContractError: A file is missing or damaged, or weights do not fit.
        ConfigError: The language model it began with cannot be found.
    """
    try:
        said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        settings = parse_settings(AnswererSettings, said.pop("settings"))
        language_settings = parse_settings(LanguageSettings, said.pop("language"))
        name, dim, positions = (said.pop(key) for key in ("language_name", "dim", "positions"))
        weights = load_file(folder / "connector.safetensors")
    except FileNotFoundError as error:
        raise ContractError(f"{error.filename}: no such file; train the model again") from error
    except (json.JSONDecodeError, KeyError, SafetensorError) as error:
        raise ContractError(f"{folder}: damaged model ({error}); train it again") from error
    whole = settings.adapt == "full"
    language = load_language(folder / "lm" if whole else name, language_settings, device)
    model = language.model
    if settings.adapt == "lora":
        model = load_adapters(model, folder / "adapter")
    connector = _connector(settings, dim, model, positions)
    if not training_parts:
        unused = set(connector.state_dict())
        connector.drop_training_parts()
        unused -= set(connector.state_dict())
        weights = {key: value for key, value in weights.items() if key not in unused}
    try:
        connector.load_state_dict(weights)
    except RuntimeError as error:
        raise ContractError(f"{folder}: weights do not fit the settings ({error})") from error
    return Answerer(
        model=SlideAnswerer(connector, model).to(device).eval(),
        tokenizer=language.tokenizer,
        settings=settings,
        language=language_settings,
        language_name=name,
        dim=dim,
        positions=positions,
        facts={key: value for key, value in said.items() if key != "versions"},
    )


def _connector(
    settings: AnswererSettings, dim: int, language: nn.Module, positions: str
) -> SlidePrefix:
    width = causal_model(language).config.hidden_size
    spec = plain(settings)["reducer"]
    return SlidePrefix(dim, width, spec, settings.standardise, positions)
