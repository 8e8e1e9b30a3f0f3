"""`slidesieve sheet gdc | panda`: sample sheets from the archives' own tables."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from slidesieve.sheets.draft import SheetDraft
from slidesieve.sheets.gdc import brca_needs_diagnoses, draft_from_gdc
from slidesieve.sheets.panda import draft_from_panda
from slidesieve.store.tables import write_csv


def run(options: argparse.Namespace) -> int:
    """Write the sample sheet, and beside it a list of what was left out; 1 if it is empty."""
    if options.archive == "gdc":
        draft = draft_from_gdc(options.tables, options.clinical, options.project, options.slides)
    else:
        draft = draft_from_panda(options.tables[0], options.task, options.slides)
    _write(draft, options.output)
    if options.archive == "gdc" and brca_needs_diagnoses(draft.table()):
        print("BRCA slides are labelled BRCA: give --clinical to tell IDC from ILC")
    return int(not draft.rows)


def _write(draft: SheetDraft, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    write_csv(output, draft.table())
    for line in draft.summary():
        print(line)
    print(f"sample sheet: {output} ({len(draft.rows)} slides)")
    if draft.left_out:
        listed = output.with_suffix(".left_out.csv")
        write_csv(listed, pd.DataFrame(draft.left_out, columns=["slide", "reason"]))
        print(f"left out, each with its reason: {listed} ({len(draft.left_out)})")
