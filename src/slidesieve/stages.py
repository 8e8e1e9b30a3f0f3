"""Version of each stage's results.

Snakemake does not see changes in imported code. These integers are params of the rules and are
written into the outputs: raise one whenever a change of code changes that stage's results, and
just that stage and what follows it run again.
"""

from __future__ import annotations

STAGES: dict[str, int] = {
    "demo_slide": 1,
    "tissue": 2,
    "tiles": 2,
    "tile_images": 1,
    "features": 3,
    "folds": 1,
    "train": 12,
    "ensemble": 1,
    "tokens": 1,
    "evaluation": 2,
    "selectors": 2,
    "cost": 2,
    "figures": 4,
    "vqa_questions": 1,
    "vqa_language": 1,
    "vqa_train": 1,
    "vqa_answers": 2,
    "vqa_scores": 1,
}
