"""Names of the workflow's rules."""

from __future__ import annotations

import re
from functools import cache

from slidesieve.config.shipped import shipped_root

_RULE = re.compile(r"^ *(?:rule|checkpoint) (\w+) *:", re.MULTILINE)


@cache
def reserved_names() -> frozenset[str]:
    """Names that no dataset can have: its target would be a second rule of that name."""
    root = shipped_root()
    files = [root / "Snakefile", *(root / "workflow" / "rules").glob("*.smk")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    # These stand for the rules of all shards on the command line.
    return frozenset(_RULE.findall(text)) | {"features", "train"}
