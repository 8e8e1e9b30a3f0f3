"""The notebook of the docs runs on a finished study as it stands."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "trained_model.ipynb"


def test_a_trained_model_is_used_from_python_as_the_notebook_says(finished_toy):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    choice = next(cell for cell in notebook.cells if cell.cell_type == "code")
    for of_demo, of_toy in (("results/demo", "results/toy"), ("sparselearn_abmil", "abmil")):
        assert of_demo in choice.source
        choice.source = choice.source.replace(of_demo, of_toy)
    where = {"metadata": {"path": str(finished_toy.folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    table, cross, picture = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    assert "s1" in table.data["text/html"]
    assert "tumour" in cross.data["text/html"]
    assert len(picture.data["image/png"]) > 5000
