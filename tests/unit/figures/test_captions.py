from __future__ import annotations

from types import SimpleNamespace

import docutils.core
import jinja2
import pytest

PAINTED = "Painted slides; not clinical"
NAMES = (
    "headline",
    "selector",
    "selectors",
    "cohort",
    "overview",
    "roc",
    "confusion",
    "models",
    "summary",
    "cost",
    "heatmap",
    "paper_table",
    "tokens",
    "gallery",
    "side_by_side",
    "k_sweep",
    "calibration",
    "external",
    "slide_page",
    "errors",
    "encoder_differences",
    "vqa_scores",
    "vqa_answers",
)


def rendered(repo, name: str, dataset: str, categories: dict | None = None) -> str:
    wildcards = SimpleNamespace(
        dataset=dataset,
        encoder="uni",
        model="abmil",
        slide="s 1",
        paper_table="retention",
        vqa_model="sieve",
    )
    studies = {"retention": {"title": "Table 2", "paper": {"source": "A paper, 2026"}}}
    config = {"datasets": {dataset: {}, "b": {}}, "paper_tables": studies}
    snakemake = SimpleNamespace(wildcards=wildcards, config=config)
    source = (repo / "workflow" / "report" / f"{name}.rst").read_text()
    # As Snakemake renders it.
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(source).render(snakemake=snakemake, categories=categories or {})


def html(text: str) -> str:
    settings = {"halt_level": 2, "report_level": 2}
    return docutils.core.publish_string(text, writer="html5", settings_overrides=settings).decode()


@pytest.mark.parametrize("name", NAMES)
def test_captions_render_and_say_what_they_do_not_show(repo, name):
    page = html(rendered(repo, name, "tcga"))
    assert "tcga" in page
    assert "How to read it" in page
    assert "What it does not show" in page or name == "overview"
    assert PAINTED not in page


@pytest.mark.parametrize("name", NAMES)
def test_captions_of_the_demo_say_that_it_is_painted(repo, name):
    assert PAINTED in html(rendered(repo, name, "demo"))


def test_the_caption_of_a_study_says_whose_numbers_are_whose(repo):
    assert "printed in A paper, 2026" in html(rendered(repo, "paper_table", "tcga"))


def test_the_report_says_so_too(repo):
    assert "painted by a program" in html(rendered(repo, "workflow", "demo"))
    assert "painted" not in html(rendered(repo, "workflow", "tcga"))


def test_the_first_page_holds_the_headline_of_every_dataset(repo, tmp_path):
    categories: dict = {}
    for name in ("a", "b"):
        path = tmp_path / name / "headline.html"
        path.parent.mkdir()
        path.write_text(f"<b>{name} in short</b>")
        found = [SimpleNamespace(name="headline.html", path=path)]
        other = [SimpleNamespace(name="models.png", path=tmp_path / "none.png")]
        categories[name] = {"results": found, "cost": other}
    page = html(rendered(repo, "workflow", "a", categories))
    assert page.index("<b>a in short</b>") < page.index("<b>b in short</b>")
    assert "Datasets in this report" in page


def test_every_caption_the_rules_name_exists(repo):
    rules = "".join(path.read_text() for path in (repo / "workflow" / "rules").glob("*.smk"))
    present = {path.stem for path in (repo / "workflow" / "report").glob("*.rst")}
    assert set(NAMES) | {"workflow"} == present
    for name in present:
        assert f"../report/{name}.rst" in rules
