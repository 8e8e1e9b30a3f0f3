"""`folds.group_also: site` in a config: what is wrong is told before any job."""

from __future__ import annotations

import pytest

from helpers.small_study import small_dataset, small_study
from slidesieve.errors import ConfigError
from slidesieve.plan.params import fold_settings
from slidesieve.plan.targets import targets


def sheet(path, sites, names=None) -> str:
    names = names or [f"s{i}" for i in range(len(sites))]
    rows = [
        f"{name},P{i},{('benign', 'tumour')[i % 2]},{name}.svs,{site}"
        for i, (name, site) in enumerate(zip(names, sites, strict=True))
    ]
    path.write_text("\n".join(["slide_id,patient_id,label,path,site", *rows]) + "\n")
    return str(path)


def study_of(path, **folds):
    return small_study({"mine": small_dataset(path, folds={"k": 2, **folds})})


def test_sites_of_the_sheet_are_given_to_the_folds_only_if_they_are_asked_for(tmp_path):
    path = sheet(tmp_path / "s.csv", ["A", "A", "B", "B"])
    by_site, by_patient = study_of(path, group_also="site"), study_of(path)
    assert fold_settings(by_site.datasets["mine"])["sites"] == ["A", "A", "B", "B"]
    # The params of folds that were drawn before there were sites.
    names = {"k", "repeats", "seed", "val_fraction", "file"}
    assert set(fold_settings(by_patient.datasets["mine"])) == names
    assert "results/mine/sites.csv" in targets(by_site, "mine")
    assert "results/mine/sites.csv" not in targets(by_patient, "mine")


def test_a_barcode_tells_the_site_where_the_sheet_does_not(tmp_path):
    names = ["TCGA-05-4244-01Z", "TCGA-05-4245-01Z", "TCGA-44-0001-01Z", "TCGA-44-0002-01Z"]
    path = sheet(tmp_path / "s.csv", ["", "own", "", ""], names)
    slides = study_of(path).datasets["mine"].slides
    assert [slide.site for slide in slides] == ["TCGA-05", "own", "TCGA-44", "TCGA-44"]


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (["A", "A", "A", "A"], r"datasets.mine.folds.group_also: 1 site\(s\) for 2 folds"),
        (["A", "A", "B", ""], r"datasets.mine.folds.group_also: 1 slide\(s\) have no site \(s3\)"),
    ],
)
def test_too_few_sites_and_missing_ones_are_told(tmp_path, sites, words):
    with pytest.raises(ConfigError, match=words):
        study_of(sheet(tmp_path / "s.csv", sites), group_also="site")
