"""A run writes pages of slides and of errors, of what its tables say."""

from __future__ import annotations

from slidesieve.store.tables import read_csv

FIGURES = "toy/figures/colour_texture"


def test_there_is_a_page_for_a_slide_of_each_class_and_for_every_error(finished_toy):
    table = read_csv(finished_toy.result("toy/predictions/colour_texture/abmil.csv"))
    wrong = set(table.loc[table["label"] != table["prediction"], "slide_id"])
    pages = {path.stem for path in finished_toy.result(f"{FIGURES}/slides").glob("*.html")}
    assert pages == {"s0", "s1"} | wrong


def test_a_page_says_what_the_tables_say(finished_toy):
    page = finished_toy.result(f"{FIGURES}/slides/s1.html").read_text()
    for model in ("abmil", "mean"):
        table = read_csv(finished_toy.result(f"toy/predictions/colour_texture/{model}.csv"))
        row = table.set_index("slide_id").loc["s1"]
        cells = "".join(
            f'<td class="number">{row[f"prob_{name}"]:.3f}</td>' for name in ("benign", "tumour")
        )
        assert cells in page
        assert f"fold {row['fold']}" in page
    assert "../../../tissue/s1.geojson" in page


def test_every_slide_stands_in_a_cell_of_the_confusion(finished_toy):
    page = finished_toy.result(f"{FIGURES}/errors.html").read_text()
    lists = page[page.index("True and predicted class: mean") :]
    assert all(f"s{number}" in lists for number in range(6))
