"""Mistakes in the `tables` section that a schema cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slidesieve.parsing.suggestions import did_you_mean

# Columns of a table's table that the program fills.
OWN_COLUMNS = ("encoder", "model", "label", "n")


def paper_table_problems(config: Mapping) -> Iterator[str]:
    """One sentence for every mistake in the tables of a config, by table and row."""
    tables, models = config.get("paper_tables"), config.get("models")
    if not isinstance(tables, Mapping) or not isinstance(models, Mapping):
        return
    for name, table in tables.items():
        rows = table.get("rows") if isinstance(table, Mapping) else None
        if not isinstance(rows, Mapping):
            continue
        yield from _row_problems(f"paper_tables.{name}.rows", rows, list(models))
        yield from _reference_problems(f"paper_tables.{name}.reference", table, list(rows))
        yield from _column_problems(f"paper_tables.{name}.rows", rows)
        yield from _paper_problems(f"paper_tables.{name}", table, rows)


def _row_problems(where: str, rows: Mapping, models: list[str]) -> Iterator[str]:
    for model in rows:
        if model not in models:
            yield f"{where}: no model {model!r}; {did_you_mean(str(model), models)}"


def _reference_problems(where: str, table: Mapping, rows: list[str]) -> Iterator[str]:
    reference = table.get("reference")
    if isinstance(reference, str) and reference not in rows:
        yield f"{where}: no row {reference!r}; {did_you_mean(reference, rows)}"


def _column_problems(where: str, rows: Mapping) -> Iterator[str]:
    names = {model: tuple(_section(row, "columns")) for model, row in rows.items()}
    expected = max(names.values(), key=len, default=())
    for model, found in names.items():
        missing = [name for name in expected if name not in found]
        if missing:
            yield (
                f"{where}.{model}.columns: {', '.join(missing)} is missing; "
                "other rows have it (null leaves a cell empty)"
            )
        for name in found:
            if name in OWN_COLUMNS or name.startswith("paper_"):
                yield f"{where}.{model}.columns: {name!r} is a column of its own; choose another"


def _paper_problems(where: str, table: Mapping, rows: Mapping) -> Iterator[str]:
    """Numbers that a row quotes must be declared with their place in the paper, and the reverse."""
    declared = list(_section(_section(table, "paper"), "columns"))
    quoted = set()
    for model, row in rows.items():
        for name in _section(row, "paper"):
            quoted.add(name)
            if name not in declared:
                hint = did_you_mean(str(name), declared)
                yield f"{where}.rows.{model}.paper: {name!r} is not in paper.columns; {hint}"
    for name in declared:
        if name not in quoted:
            yield f"{where}.paper.columns: no row gives {name!r}"


def _section(value: object, key: str) -> Mapping:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
