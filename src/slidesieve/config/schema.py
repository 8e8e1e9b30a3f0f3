"""The JSON schema of config files, for editors, and the reference of their keys, both generated.

`python -m slidesieve.config.schema` writes both after a key has changed.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from slidesieve.config.reference import REFERENCE, reference_page
from slidesieve.config.shipped import shipped_root
from slidesieve.config.study_settings import StudySettings
from slidesieve.parsing.settings import json_schema

SCHEMA_FILE = Path(__file__).with_name("study.schema.json")
_TAKEN_BACK = ("datasets", "models", "paper_tables")


def file_schema() -> dict[str, Any]:
    """The schema of one config file, which need not hold all sections: layers lie below it."""
    schema = copy.deepcopy(dict(json_schema(StudySettings)))
    schema.pop("required")
    for section in _TAKEN_BACK:
        entries = schema["properties"][section]
        for key in ("additionalProperties", "patternProperties"):
            if isinstance(entries.get(key), dict):
                entries[key] = _nullable(entries[key], key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A config file of SlideSieve",
        **schema,
    }


def _nullable(entries: dict[str, Any], key: str) -> dict[str, Any]:
    """Let an entry be null, by which a file takes it back."""
    if key == "patternProperties":
        return {name: _nullable(entry, "") for name, entry in entries.items()}
    return {"anyOf": [entries, {"type": "null"}]}


def language_server_line() -> str:
    """First line of a YAML file by which editors find the schema."""
    return f"# yaml-language-server: $schema={SCHEMA_FILE}"


def written_schema() -> str:
    """The schema as it stands in its file."""
    return json.dumps(file_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(written_schema(), encoding="utf-8")
    (shipped_root() / REFERENCE).write_text(reference_page(), encoding="utf-8")
