"""The command lines, code and links that the documentation holds."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slidesieve", "snakemake", "make", "python", "pip", "git", "grep", "source", "cd")
SHELLS = ("bash", "sh", "console")
_FENCE = re.compile(r"^ *```(\w*)")
_ASSIGNMENT = re.compile(r"^\w+=")


@dataclass(frozen=True)
class Block:
    """A block of code of a page, without its indentation.

    Attributes:
        page: The file, from the root of the checkout.
        line: Number of its first line of code, from 1.
        language: What stands behind the fence; "" for none, and for indented blocks.
        lines: Its lines.
    """

    page: str
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as one text."""
        return "\n".join(self.lines)


def pages(repo: Path) -> list[Path]:
    """README, the other texts in the root, and everything under docs/."""
    texts = [repo / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md")]
    return [*texts, *sorted((repo / "docs").rglob("*.md"))]


def blocks(path: Path, repo: Path) -> Iterator[Block]:
    """All fenced and indented blocks of a page; an indented line within a list is text."""
    page = str(path.relative_to(repo))
    opened: Block | None = None
    in_list = False
    indented: list[str] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], start=1):
        fence = _FENCE.match(line)
        if opened is not None:
            if fence:
                yield _without_indent(opened)
                opened = None
            else:
                opened = Block(page, opened.line, opened.language, (*opened.lines, line))
            continue
        if line.startswith("    ") and not in_list and not fence:
            indented.append(line)
            continue
        if indented:
            first = number - len(indented)
            yield _without_indent(Block(page, first, "", tuple(indented)))
            indented = []
        if fence:
            opened = Block(page, number + 1, fence[1], ())
        elif line and not line.startswith(" "):
            # The options of an API directive are indented as well.
            in_list = bool(re.match(r"([-*]|\d+\.) |:::", line))


def commands(block: Block) -> list[str]:
    """Command lines of a block: continued lines joined, prompts and comments dropped."""
    joined = block.text.replace("\\\n", " ")
    found = []
    for line in joined.splitlines():
        words = " ".join(line.removeprefix("$ ").split("#")[0].split())
        if words:
            found.append(words)
    return found


def words_of(command: str) -> list[str]:
    """The words of a command line, without assignments before it and what follows a `>`."""
    words = shlex.split(command.split(">")[0])
    while words and _ASSIGNMENT.match(words[0]):
        words = words[1:]
    return words


def options_of(command: str) -> list[str]:
    """The long options of a command line."""
    return [word.split("=")[0] for word in words_of(command) if word.startswith("--")]


def links(path: Path) -> Iterator[str]:
    """Targets of the links and images of a page, code left out."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"`[^`]*`", "", text)
    yield from re.findall(r"\]\(([^)\s]+(?:\([^)]*\)[^)\s]*)?)\)", text)
    yield from re.findall(r"^\[[^\]]+\]: (\S+)", text, flags=re.MULTILINE)


def _without_indent(block: Block) -> Block:
    lines = textwrap.dedent("\n".join(block.lines)).split("\n")
    return Block(block.page, block.line, block.language, tuple(lines))
