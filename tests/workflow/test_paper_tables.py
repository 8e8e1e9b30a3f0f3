"""A study laid over a config makes its own tables and leaves those of the config alone."""

from __future__ import annotations

import copy

import pytest
import yaml

from slidesieve.store.tables import read_csv

STUDY = {
    "models": {"half": {"like": "abmil", "reducer": {"name": "random", "retention": 0.5}}},
    "paper_tables": {
        "shares": {
            "title": "Table 9: share kept",
            "reference": "abmil",
            "measures": ["balanced_accuracy", "tokens_kept", "gflops"],
            "paper": {
                "source": "A paper, 2026",
                "columns": {"nsclc_acc": {"place": "Table 9, Acc", "beside": "balanced_accuracy"}},
            },
            "rows": {
                "abmil": {"label": "all", "columns": {"r": 1.0}},
                "half": {"label": "half", "columns": {"r": 0.5}, "paper": {"nsclc_acc": 0.9}},
            },
        }
    },
}


def lay_over(toy, study: dict) -> tuple[str, str]:
    (toy.folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return "--configfile", "config.yaml", "study.yaml"


@pytest.mark.slow
def test_a_study_fits_only_its_own_rows_and_the_configs_results_stay(toy):
    before = toy.csvs()
    over = lay_over(toy, STUDY)
    ran = toy.snakemake(*over)
    assert {w.split("model=")[1].split(",")[0] for r, w in ran.jobs if r == "train"} == {"half"}
    assert not set(ran.rules) & {"features", "folds", "evaluation", "cost", "report_pages"}

    table = read_csv(toy.result("toy/paper_tables/shares.csv"))
    assert table["model"].tolist() == ["abmil", "half"]
    assert table["label"].tolist() == ["all", "half"]
    assert table["r"].tolist() == [1.0, 0.5]
    assert table["tokens_kept"].tolist() == pytest.approx([1.0, 0.5], abs=0.02)
    assert table["paper_nsclc_acc"].isna().tolist() == [True, False]
    summary = read_csv(toy.result("toy/summary.csv")).set_index(["model", "level", "metric"])
    config_row = summary.loc[("abmil", "patient", "balanced_accuracy")]
    for column, name in (("", "pooled"), ("_ci_low", "ci_low"), ("_ci_high", "ci_high")):
        assert table[f"balanced_accuracy{column}"][0] == config_row[name]

    assert "0 faults" in toy.snakemake("audit", *over).text
    report = toy.folder / "report.html"
    toy.snakemake(*over, "--report", str(report))
    for item in ("paper_tables/shares.png", "paper_tables/shares.html", "printed in A paper, 2026"):
        assert item in report.read_text(), item

    assert not toy.snakemake("-n").jobs
    assert not toy.snakemake("-n", *over).jobs
    after = toy.csvs()
    assert {path: after[path] for path in before} == before


def test_mistakes_in_a_study_stop_the_run_with_all_reasons(toy):
    study = copy.deepcopy(STUDY)
    shares = study["paper_tables"]["shares"]
    shares["measures"] = ["auc"]
    shares["rows"]["halve"] = {"label": "half", "colums": {}}
    shares["reference"] = "full"
    study["models"]["half"]["like"] = "abmill"
    outcome = toy.snakemake("-n", *lay_over(toy, study), check=False)
    assert outcome.code != 0
    for words in (
        "paper_tables.shares.measures.0: 'auc' is not allowed; allowed: balanced_accuracy",
        "paper_tables.shares.rows.halve: unknown key 'colums'; did you mean 'columns'?",
        "paper_tables.shares.rows: no model 'halve'; did you mean 'half'?",
        "paper_tables.shares.reference: no row 'full'",
        "models.half.like: no model 'abmill' with a spec of its own; did you mean 'abmil'?",
    ):
        assert words in outcome.text, outcome.text
