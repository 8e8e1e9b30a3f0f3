"""Plain standalone HTML pages: no scripts, nothing fetched, readable when printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from slidesieve.store.atomic import write_text

_CSS = """
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p { max-width: 60rem; margin: .3rem 0 .8rem; color: #444; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: nowrap; }
th { border-bottom: 2px solid #1a1a1a; font-weight: 600; white-space: normal;
     vertical-align: bottom; }
td { border-bottom: 1px solid #e3e3e3; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.paper { background: #f1f1f1; color: #555; }
.best { font-weight: 700; }
.best small { font-weight: 400; }
.wrap { white-space: normal; min-width: 14rem; max-width: 34rem; }
small { color: #666; }
.chip { padding: .05rem .5rem; border-radius: .6rem; font-weight: 600; }
.ok { background: #d9f0e6; color: #00503a; }
.empty { background: #fdeccb; color: #6b4a00; }
.failed { background: #fbdcc8; color: #8a3300; }
""".strip()


@dataclass(frozen=True)
class Cell:
    """One table cell.

    Attributes:
        text: Shown as it is; markup in it is escaped.
        note: Second, smaller line.
        css: Class names for the cell.
        chip: Class name of a coloured label around the text.
    """

    text: str
    note: str = ""
    css: str = ""
    chip: str = ""

    def html(self) -> str:
        """Return the cell as markup."""
        text = escape(self.text)
        if self.chip:
            text = f'<span class="chip {self.chip}">{text}</span>'
        if self.note:
            text += f"<br><small>{escape(self.note)}</small>"
        return f'<td class="{self.css}">{text}</td>' if self.css else f"<td>{text}</td>"


def number(value: float, digits: int) -> Cell:
    """Return a right-aligned number, a dash for NaN."""
    return Cell("–" if value != value else f"{value:,.{digits}f}", css="number")


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table as markup; columns whose cells are numbers have their head at the right."""
    body = list(rows)
    numeric = ["number" in cell.css for cell in body[0]] if body else [False] * len(head)
    heads = "".join(
        f'<th class="number">{escape(name)}</th>' if right else f"<th>{escape(name)}</th>"
        for name, right in zip(head, numeric, strict=True)
    )
    lines = "\n".join(f"<tr>{''.join(cell.html() for cell in row)}</tr>" for row in body)
    markup = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"
    return f'<div class="scroll">{markup}</div>'


def heading(text: str) -> str:
    """Return a section heading as markup."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Return a paragraph as markup."""
    return f"<p>{escape(text)}</p>"


def write_page(path: Path, title: str, parts: Iterable[str]) -> None:
    """Write a page of markup parts under a title."""
    body = "\n".join(parts)
    write_text(
        path,
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_CSS}\n</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n",
    )
