"""`slidesieve init` writes a study that loads as soon as its labels are filled in."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.cli.main import main
from slidesieve.config.load import load_study_files
from slidesieve.config.model_checks import model_problems
from slidesieve.errors import ConfigError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, beside one of files that are called like slides."""
    slides = tmp_path / "slides"
    names = [f"TCGA-05-42{i:02d}-01Z-00-DX1.0a.svs" for i in range(12)]
    names += ["notes.txt", "m.mrxs", "m/Data0000.dat", "dicom_1/a.dcm", "dicom_1/b.dcm"]
    names += [".hidden.svs", "two words.ome.tif"]
    for name in names:
        path = slides / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def fill_in_labels(folder) -> pd.DataFrame:
    path = folder / "mine_slides.csv"
    sheet = pd.read_csv(path, dtype=str)
    sheet["label"] = ["LUAD" if number % 2 else "LUSC" for number in range(len(sheet))]
    sheet.to_csv(path, index=False)
    return sheet


def test_a_folder_of_slides_becomes_a_study_that_loads_once_labels_are_there(folder, capsys):
    assert main(["init", "mine", "--slides", "../slides", "--classes", "LUAD,LUSC"]) == 0
    assert "label: 15 rows are blank" in capsys.readouterr().out
    with pytest.raises(ConfigError) as refusal:
        load_study_files([folder / "mine.yaml"])
    (problem,) = refusal.value.problems
    assert "rows 2 to 16: label is missing; write one of the classes: LUAD, LUSC" in problem
    sheet = fill_in_labels(folder)
    study = load_study_files([folder / "mine.yaml"])
    assert list(study.datasets) == ["mine"]
    assert list(study.models) == ["abmil", "dtc_abmil", "sparselearn_abmil"]
    assert model_problems(study.models) == []
    assert study.reference_model == "abmil"
    assert {"m", "dicom_1", "two_words"} < set(sheet["slide_id"])
    assert len(sheet) == 15
    patients = sheet.set_index("slide_id")["patient_id"]
    assert patients["TCGA-05-4203-01Z-00-DX1.0a"] == "TCGA-05-4203"
    assert patients["m"] == "m"
    assert all(slide.path.exists() for slide in study.datasets["mine"].slides)


def test_labels_of_a_table_are_filled_in_and_give_the_classes(folder):
    lines = [f"TCGA-05-42{i:02d}-01Z-00-DX1,pat{i},{'ab'[i % 2]}" for i in range(12)]
    (folder / "labels.csv").write_text("\n".join(["slide_id,patient_id,label", *lines]) + "\n")
    main(["init", "mine", "--slides", "../slides", "--labels", "labels.csv"])
    sheet = pd.read_csv(folder / "mine_slides.csv").set_index("slide_id")
    assert list(sheet.loc["TCGA-05-4203-01Z-00-DX1.0a", ["patient_id", "label"]]) == ["pat3", "b"]
    assert "classes: [a, b]" in (folder / "mine.yaml").read_text()


def test_a_network_encoder_takes_the_models_own_widths(folder):
    flags = ["--classes", "LUAD,LUSC", "--encoder", "conch_v1", "--models", "dtc_abmil,mean"]
    main(["init", "mine", "--slides", "../slides", *flags, "--mpp", "1"])
    fill_in_labels(folder)
    study = load_study_files([folder / "mine.yaml"])
    assert study.models["dtc_abmil"]["aggregator"] == {"name": "abmil"}
    assert list(study.encoders) == ["conch_v1"]
    assert study.datasets["mine"].settings["target_mpp"] == 1


def test_ready_made_features_need_no_slides(folder):
    (folder / "h5").mkdir()
    rows = ["slide_id,label"]
    for number in range(12):
        (folder / f"h5/s{number}.h5").touch()
        rows.append(f"s{number},{'ab'[number % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    flags = ["--features", "h5", "--labels", "labels.csv", "--encoder", "uni"]
    assert main(["init", "mine", *flags]) == 0
    study = load_study_files([folder / "mine.yaml"])
    assert study.encoders_of("mine") == ["uni"]
    assert all(study.datasets["mine"].ready_features(f"s{n}") for n in range(12))


def test_nothing_is_overwritten(folder, capsys):
    (folder / "mine.yaml").write_text("precious")
    assert main(["init", "mine", "--slides", "../slides", "--classes", "a,b"]) == 2
    assert "mine.yaml exists already" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == "precious"
    assert not (folder / "mine_slides.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["features", "--slides", "../slides", "--classes", "a,b"], "the name of a rule"),
        (["my-study", "--slides", "../slides", "--classes", "a,b"], "letters, digits and '_'"),
        (["mine", "--slides", "none", "--classes", "a,b"], "none is not a folder"),
        (["mine", "--slides", ".", "--classes", "a,b"], "holds no file that ends with .svs"),
        (["mine", "--slides", "../slides"], "at least two classes"),
        (["mine", "--slides", "../slides", "--classes", "a,b", "--models", "abmill"], "'abmil'"),
        (["mine", "--slides", "../slides", "--classes", "a,b", "--encoder", "conch"], "conch_v1"),
        (["mine"], "give --slides FOLDER, --sheet FILE or --features FOLDER"),
    ],
)
def test_mistakes_say_what_to_do_and_write_nothing(folder, capsys, arguments, words):
    assert main(["init", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert list(folder.iterdir()) == []
