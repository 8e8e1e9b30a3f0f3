"""Speed and memory of answering questions with a language model of 7 billion parameters.

    python benchmarks/vqa_gpu.py                # on a GPU: Qwen2.5-7B's shapes, random weights
    python benchmarks/vqa_gpu.py --size tiny    # anywhere: that the script runs

For 32, 4,096 and 10,240 image tokens it measures one training step (LoRA, activations computed
anew, 8 questions packed behind one image) and one pass that answers those questions by letters,
against the same questions one by one. Nothing is downloaded: speed does not depend on weights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from slidesieve.runtime.devices import pick_device
from slidesieve.tokens import TokenBatch
from slidesieve.vqa.connector import SlidePrefix
from slidesieve.vqa.language import causal_model, with_adapters
from slidesieve.vqa.model import SlideAnswerer
from slidesieve.vqa.model_settings import LoraSettings
from slidesieve.vqa.optional import import_optional
from slidesieve.vqa.packing import Segment

SIZES = {
    "7b": {"hidden_size": 3584, "intermediate_size": 18_944, "num_hidden_layers": 28,
           "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152_064},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1000},
}  # fmt: skip
DIM, QUESTIONS, STEM, ANSWER, BEFORE = 512, 8, 100, 4, (1, 2, 3)
IMAGE_TOKENS = (32, 4096, 10_240)


def build(size: str, device: torch.device) -> SlideAnswerer:
    """A model with random weights, its language model in bfloat16 and with adapters."""
    transformers = import_optional("transformers")
    config = transformers.Qwen2Config(**SIZES[size], tie_word_embeddings=False)
    with torch.device(device):
        language = transformers.AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation="sdpa"
        )
    language.activation_checkpointing_enable()
    adapted = with_adapters(language, LoraSettings())
    connector = SlidePrefix(DIM, config.hidden_size, "none")
    return SlideAnswerer(connector, adapted).to(device)


def tokens_of(count: int, device: torch.device) -> TokenBatch:
    """One slide of random tokens."""
    mask = torch.ones(1, count, dtype=torch.bool)
    coords = torch.arange(2 * count).reshape(1, count, 2)
    return TokenBatch(torch.randn(1, count, DIM), mask, coords, mask.float()).to(device)


def questions(vocabulary: int, letters: bool) -> list[list[Segment]]:
    """Questions of random words, each with its answer, or with four letters to choose from."""
    found = []
    for _ in range(QUESTIONS):
        stem = Segment(tuple(torch.randint(vocabulary, (STEM,)).tolist()))
        answers = [(k,) for k in range(4)] if letters else [tuple(range(ANSWER))]
        found.append([stem, *(Segment(ids, 0, scored=True) for ids in answers)])
    return found


def packed(asked: list[list[Segment]]) -> list[Segment]:
    """All questions behind one image."""
    segments: list[Segment] = []
    for group in asked:
        first = len(segments)
        segments += [group[0], *(Segment(s.ids, first, scored=True) for s in group[1:])]
    return segments


def measured(work: Callable[[], None], device: torch.device, repeats: int) -> tuple[float, float]:
    """Median seconds, and GB at the peak (NaN on a CPU)."""
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        work()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    peak = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else float("nan")
    return sorted(seconds[1:])[repeats // 2], peak


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="7b")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    device = pick_device()
    model = build(options.size, device)
    vocabulary = causal_model(model.language).config.vocab_size
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    print("image tokens | step s | tokens/s | step GB | 8 answers packed s | one by one s | GB")
    for count in IMAGE_TOKENS:
        tokens = tokens_of(count, device)
        asked, choices = questions(vocabulary, False), questions(vocabulary, True)

        def step(tokens: TokenBatch = tokens, asked: list[list[Segment]] = asked) -> None:
            model.train()
            output = model(tokens, BEFORE, [packed(asked)])
            torch.autograd.grad(-output.mean.mean(), trained)

        @torch.no_grad()
        def together(tokens: TokenBatch = tokens, asked: list[list[Segment]] = choices) -> None:
            model.eval()
            model(tokens, BEFORE, [packed(asked)])

        @torch.no_grad()
        def apart(tokens: TokenBatch = tokens, asked: list[list[Segment]] = choices) -> None:
            model.eval()
            for one in asked:
                model(tokens, BEFORE, [one])

        step_s, step_gb = measured(step, device, options.repeats)
        together_s, gb = measured(together, device, options.repeats)
        apart_s, _ = measured(apart, device, options.repeats)
        per_second = (count + QUESTIONS * (STEM + ANSWER)) / step_s
        print(
            f"{count} | {step_s:.3f} | {per_second:.0f} | {step_gb:.1f} | {together_s:.3f} | "
            f"{apart_s:.3f} | {gb:.1f}"
        )


if __name__ == "__main__":
    main()
