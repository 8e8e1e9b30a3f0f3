"""Places of a YAML file that YAML reads, in silence, otherwise than a person does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from slidesieve.config.shipped import find_file

_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
# 0x1F is a number that nobody takes for a decimal one.
_PLAIN = re.compile(
    r"[-+]?(0|[1-9]\d*|(\d+\.\d*|\.\d+)(e[-+]\d+)?|0x[0-9a-f]+|\.(inf|nan))", re.IGNORECASE
)


def yaml_traps(files: Sequence[Path]) -> list[str]:
    """Find numbers that are read as others than they look, and keys that are written twice.

    YAML 1.1 reads 0_5 as 5, 1:30 as 90 and 010 as 8. Of a key that is written twice only the last
    value counts.

    Args:
        files: Config files. Files that cannot be read are passed over; reading them says why.

    Returns:
        One sentence per place, with file and line.
    """
    return [problem for file in files for problem in _of_file(file)]


def _of_file(file: Path) -> Iterator[str]:
    try:
        tree = yaml.compose(find_file(file).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    for node in _nodes(tree, set()):
        if isinstance(node, yaml.MappingNode):
            found = _keys_written_twice(node)
        else:
            found = _misread_number(node)
        for line, sentence in found:
            yield f"{file}, line {line}: {sentence}"


def _misread_number(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if node.tag in _NUMBER_TAGS and not _PLAIN.fullmatch(node.value):
        yield (
            node.start_mark.line + 1,
            f"{node.value} is read as {yaml.safe_load(node.value)}; write the number as a plain "
            "decimal, or quote it if it is text",
        )


def _keys_written_twice(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    first_line: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        if key.value in first_line:
            yield (
                line,
                f"key '{key.value}' stands in line {first_line[key.value]} as well; join them",
            )
        first_line.setdefault(key.value, line)


def _nodes(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.Node]:
    """Yield the nodes of a tree once each; an alias leads to a node that was seen."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _nodes(child, seen)
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for child in pair:
                yield from _nodes(child, seen)
