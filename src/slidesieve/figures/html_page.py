"""Plain standalone HTML pages: nothing fetched, readable without scripts and when printed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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
.scroll { overflow: auto; max-height: 92vh; }
table { border-collapse: separate; border-spacing: 0; }
th, td { padding: .3rem .7rem; text-align: left; vertical-align: top; white-space: nowrap; }
th { border-bottom: 2px solid #1a1a1a; font-weight: 600; white-space: normal;
     vertical-align: bottom; position: sticky; top: 0; z-index: 1; background: #fff;
     cursor: pointer; }
.key { position: sticky; left: 0; background: #fff; }
th.key { z-index: 2; }
th[aria-sort]::after { content: " ▲"; }
th[aria-sort=descending]::after { content: " ▼"; }
summary { cursor: pointer; color: #0072b2; margin: .2rem 0; }
details:not([open]) + .scroll .folded { display: none; }
@media print { .scroll { max-height: none; } }
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
# A click on a heading sorts by the first line of its cells, numbers as numbers; another turns it
# round. Cells without a value come last either way.
_SORT = """
const value = cell => cell.firstChild ? cell.firstChild.textContent.trim() : "";
const size = text => parseFloat(text.replace(/[,<%]/g, "").replace("\u2212", "-"));
const order = (a, b) => isNaN(size(a)) || isNaN(size(b)) ? a.localeCompare(b) : size(a) - size(b);
for (const head of document.querySelectorAll("th")) head.onclick = () => {
  const table = head.closest("table"), rows = [...table.tBodies[0].rows];
  const down = head.getAttribute("aria-sort") === "ascending", at = head.cellIndex;
  const empty = row => ["", "–"].includes(value(row.cells[at]));
  rows.sort((a, b) => empty(a) - empty(b) ||
    (down ? -1 : 1) * order(value(a.cells[at]), value(b.cells[at])));
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
};
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
        """Return what is in the cell as markup."""
        text = escape(self.text)
        if self.chip:
            text = f'<span class="chip {self.chip}">{text}</span>'
        if self.note:
            text += f"<br><small>{escape(self.note)}</small>"
        return text


def number(value: float, digits: int) -> Cell:
    """Return a right-aligned number, a dash for NaN."""
    return Cell("–" if value != value else f"{value:,.{digits}f}", css="number")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    key: str = "",
    folded: Collection[str] = (),
    folded_rows: Collection[int] = (),
) -> str:
    """Return a table as markup; a click on a heading sorts it.

    Args:
        head: Names of the columns; those whose cells are numbers have theirs at the right.
        rows: Cells of each row.
        key: Column that stays in sight when the table is scrolled to the side.
        folded: Columns that are hidden until a reader asks for them.
        folded_rows: Numbers of rows that are hidden likewise.
    """
    body = list(rows)
    numeric = ["number" in cell.css for cell in body[0]] if body else [False] * len(head)
    css = [
        f"{'number ' * right}{'key ' * (name == key)}{'folded' * (name in folded)}".strip()
        for name, right in zip(head, numeric, strict=True)
    ]
    heads = "".join(_tag("th", escape(name), c) for name, c in zip(head, css, strict=True))
    lines = "\n".join(
        _tag("tr", "".join(map(_cell, row, css)), "folded" if number in folded_rows else "")
        for number, row in enumerate(body)
    )
    markup = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"
    return f'{_fold(folded, len(folded_rows))}<div class="scroll">{markup}</div>'


def _fold(columns: Collection[str], n_rows: int) -> str:
    """Return the switch that shows what is folded; the style sheet joins it to the table below."""
    hidden = [*([f"{n_rows} rows"] if n_rows else []), *columns]
    if not hidden:
        return ""
    return f"<details><summary>Show more: {escape(', '.join(hidden))}</summary></details>\n"


def _cell(cell: Cell, css: str) -> str:
    classes = dict.fromkeys([*cell.css.split(), *css.split()])
    if "number" not in cell.css.split():
        classes.pop("number", None)
    return _tag("td", cell.html(), " ".join(classes))


def _tag(name: str, inside: str, css: str) -> str:
    return f'<{name} class="{css}">{inside}</{name}>' if css else f"<{name}>{inside}</{name}>"


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
        f"<h1>{escape(title)}</h1>\n{body}\n<script>\n{_SORT}\n</script>\n</body>\n</html>\n",
    )
