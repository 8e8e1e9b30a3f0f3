"""Causal language models: those that exist, and a small one made from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from slidesieve.errors import ConfigError
from slidesieve.vqa.model_settings import BuiltLanguage, LanguageSettings, LoraSettings
from slidesieve.vqa.optional import import_optional
from slidesieve.vqa.prompt import IMAGE

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", IMAGE)
# Words of the chat template; a tokenizer that never saw them spells them.
_ROLES = "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n"
_TARGETS = "all-linear"


@dataclass(frozen=True)
class Language:
    """A causal language model and its tokenizer.

    Attributes:
        model: A model of transformers, or of peft around one.
        tokenizer: Its tokenizer.
    """

    model: Any
    tokenizer: Any


def load_language(
    name: str | Path, settings: LanguageSettings, device: torch.device | str = "cpu"
) -> Language:
    """Load a causal language model by name or folder.

    Args:
        name: A folder, or a name on the Hub, in which case `settings.revision` pins it.
        settings: Precision, attention and quantisation.
        device: Where to put it.

    Raises:
        ConfigError: It cannot be found, or a package is missing.
    """
    transformers = import_optional("transformers")
    transformers.utils.logging.disable_progress_bar()
    is_folder = Path(name).is_dir()
    source = {} if is_folder else {"revision": settings.revision}
    options: dict[str, Any] = {
        "dtype": getattr(torch, settings.dtype),
        "attn_implementation": settings.attention,
        "local_files_only": is_folder,
        "device_map": str(device),
        **source,
    }
    if settings.quantise == "nf4":
        import_optional("bitsandbytes")
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=torch.bfloat16,
            bnb_4bit_use_double_quant=True,
        )
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            name, local_files_only=is_folder, **source
        )
        model = transformers.AutoModelForCausalLM.from_pretrained(name, **options)
    except (OSError, ValueError) as error:
        raise ConfigError([f"language model {name}: cannot be loaded ({error})"]) from error
    if settings.checkpointing:
        model.activation_checkpointing_enable()
    return Language(model.eval(), tokenizer)


def build_demo_language(
    corpus: Sequence[str],
    settings: BuiltLanguage,
    attention: str = "sdpa",
) -> Language:
    """Make a small Qwen2 with random weights, and a byte-level BPE tokenizer trained on a corpus.

    Args:
        corpus: Texts whose words the tokenizer shall know.
        settings: Its size, and the seed of its weights.
        attention: Implementation of attention.
    """
    transformers = import_optional("transformers")
    tokenizer = _train_tokenizer(corpus, settings.vocabulary)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=settings.width,
        intermediate_size=3 * settings.width,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = transformers.AutoModelForCausalLM.from_config(
            config, attn_implementation=attention, dtype=torch.float32
        )
    return Language(model.eval(), tokenizer)


def save_language(folder: Path, language: Language) -> None:
    """Write the model (safetensors) and its tokenizer as a folder of transformers."""
    import_optional("transformers").utils.logging.disable_progress_bar()
    language.model.save_pretrained(folder)
    language.tokenizer.save_pretrained(folder)


def with_adapters(model: nn.Module, settings: LoraSettings) -> nn.Module:
    """Return a language model with low-rank adapters on all its linear layers but the head."""
    peft = import_optional("peft")
    config = peft.LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=_TARGETS,
        task_type="CAUSAL_LM",
    )
    return peft.get_peft_model(model, config)


def load_adapters(model: nn.Module, folder: Path) -> nn.Module:
    """Return a language model with adapters that were saved."""
    return import_optional("peft").PeftModel.from_pretrained(model, folder)


def causal_model(model: nn.Module) -> Any:  # noqa: ANN401
    """Return the model of transformers, whether adapters stand around it or not."""
    get_base: Any = getattr(model, "get_base_model", None)
    return get_base() if get_base else model


def _train_tokenizer(corpus: Sequence[str], vocabulary: int) -> Any:  # noqa: ANN401
    transformers = import_optional("transformers")
    tokenizers = import_optional("tokenizers")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bytes_ = tokenizers.pre_tokenizers.ByteLevel
    bpe.pre_tokenizer = bytes_(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(bytes_.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator([_ROLES, *corpus], trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
    )
