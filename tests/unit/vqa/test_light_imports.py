"""Questions and scores need neither torch nor transformers."""

from __future__ import annotations

import subprocess
import sys

MODULES = ("gather", "evaluation", "blind", "demo", "settings")


def test_questions_and_scores_are_made_without_torch():
    names = ", ".join(f"slidesieve.vqa.{name}" for name in MODULES)
    code = f"import sys, {names}; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
