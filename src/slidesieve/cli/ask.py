"""`slidesieve ask`: one question about one slide, asked of a trained model."""

from __future__ import annotations

import argparse

from slidesieve.vqa.asking import ask


def run(options: argparse.Namespace) -> int:
    """Print the answer, how sure the model is, and the tiles it looked at."""
    reply = ask(options.model, options.features, options.question, options.options)
    print(reply.answer)
    for text, probability in zip(options.options, reply.probabilities, strict=False):
        print(f"  {probability:6.1%}  {text}")
    print(f"{len(reply.tiles)} tiles, top-left corners in level-0 px:")
    print("  " + " ".join(f"{x},{y}" for x, y in reply.tiles.tolist()))
    return 0
