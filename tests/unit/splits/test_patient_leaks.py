"""The leak check on splits that were published."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.errors import ConfigError
from slidesieve.splits.patient_leaks import (
    leak_check,
    read_clam_split,
    read_split_files,
    tcga_patient,
)


def test_disjoint_published_split_passes(shared_data):
    parts = ("train", "val", "test")
    paths = {p: shared_data / "splits" / f"nsclc_disjoint_patients_{p}.csv" for p in parts}
    table = read_split_files(paths)
    assert table["part"].value_counts().to_dict() == {"train": 848, "val": 97, "test": 98}
    leak_check(table)


def test_leaking_published_split_is_refused_with_all_21_patients(shared_data):
    paths = {
        p: shared_data / "splits" / f"nsclc_shared_patients_{p}.csv" for p in ("train", "test")
    }
    table = read_split_files(paths)
    patients = {p: {s[:12] for s in table.loc[table["part"] == p, "slide_id"]} for p in paths}
    shared = sorted(patients["train"] & patients["test"])
    with pytest.raises(ConfigError) as refusal:
        leak_check(table)
    named = [line.split("patient ")[1].split(" is in")[0] for line in refusal.value.problems]
    assert named == shared
    assert len(named) == 21


def test_clam_split_in_wide_form(tmp_path):
    path = tmp_path / "splits_0.csv"
    path.write_text(
        ",train,val,test\n"
        "0,TCGA-AA-0001-01Z-00-DX1,TCGA-AA-0003-01Z-00-DX1,TCGA-AA-0004-01Z-00-DX1\n"
        "1,TCGA-AA-0002-01Z-00-DX1,,TCGA-AA-0002-01Z-00-DX2\n"
    )
    table = read_clam_split(path)
    assert table["part"].tolist() == ["train", "train", "val", "test", "test"]
    with pytest.raises(ConfigError) as refusal:
        leak_check(table)
    assert refusal.value.problems == (
        "split: patient TCGA-AA-0002 is in test (TCGA-AA-0002-01Z-00-DX2) "
        "and train (TCGA-AA-0002-01Z-00-DX1)",
    )


def test_case_id_column_beats_the_barcode(tmp_path):
    path = tmp_path / "train.csv"
    pd.DataFrame({"slide_id": ["x1"], "case_id": ["C7"]}).to_csv(path, index=False)
    assert read_split_files({"train": path})["patient_id"].tolist() == ["C7"]


def test_slide_without_barcode_asks_for_its_patient():
    assert tcga_patient("TCGA-55-A48Z-01Z-00-DX1.0867") == "TCGA-55-A48Z"
    with pytest.raises(ConfigError, match="slide_7: no TCGA barcode"):
        tcga_patient("slide_7")
