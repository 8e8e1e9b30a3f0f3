"""A model of a finished study becomes one folder that tells all, and travels by a hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.loopback_hub import COMMIT, TOKEN, running_hub
from slidesieve.cli.main import main
from slidesieve.errors import ContractError
from slidesieve.inference.fits import load_fits
from slidesieve.models.bundle import read_bundle
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

REPOSITORY = "lab/toy-abmil"


def bundle_args(out: Path, *more: str) -> list[str]:
    return ["bundle", "results/toy", str(out), *more]


COMMANDS = """
import json, os, sys
from slidesieve.cli.main import main
for token, arguments in json.loads(sys.argv[1]):
    os.environ["HF_TOKEN"] = token
    print("exit", main(arguments), flush=True)
"""


def with_hub(hub, folder: Path, *commands: tuple[str, list[str]]) -> str:
    """Run commands, each with a token; huggingface_hub reads HF_ENDPOINT when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(commands)],
        cwd=folder,
        env=os.environ
        | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
        | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def at_toy(finished_toy, monkeypatch) -> Path:
    monkeypatch.chdir(finished_toy.folder)
    return finished_toy.folder


@pytest.fixture
def bundle(toy_bundle, tmp_path) -> Path:
    return shutil.copytree(toy_bundle, tmp_path / "bundle")


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_bundle_says_what_the_study_was(bundle, at_toy):
    found = read_bundle(bundle)
    assert (found.model, found.classes, found.folds) == (
        *("abmil", ["benign", "tumour"]),
        ["fold_0", "fold_1"],
    )
    assert (found.tiles.tile_px, found.tiles.target_mpp) == (128, 0.5)
    assert found.encoder.entry == {"name": "colour_texture"}
    assert found.data.slides == found.data.patients == {"benign": 3, "tumour": 3}
    assert found.data.mpp == {"0.5": 6}
    summary = read_csv(at_toy / "results/toy/summary.csv")
    own = summary[summary["model"] == "abmil"].drop(columns=["encoder", "model"])
    metrics = read_csv(bundle / "metrics.csv")
    assert metrics.to_dict("list") == own.to_dict("list")
    index = read_csv(at_toy / "results/toy/features/colour_texture.csv")
    seen = read_csv(bundle / "training_content.csv")["features_sha256"]
    assert sorted(seen) == sorted(index["features_sha256"])


def test_its_fits_are_those_of_the_folds(bundle, at_toy):
    fits = load_fits(bundle)
    for fold in range(2):
        own = at_toy / f"results/toy/models/colour_texture/abmil/fold_{fold}/weights.safetensors"
        assert (bundle / f"fold_{fold}/weights.safetensors").read_bytes() == own.read_bytes()
        assert fits[f"fold_{fold}"].classes == ("benign", "tumour")


def test_it_names_no_slide_no_patient_and_no_place_of_this_machine(bundle, at_toy):
    texts = {n: c for n, c in content(bundle).items() if not n.endswith(".safetensors")}
    for name, text in texts.items():
        for word in (str(at_toy), str(bundle), "P0", "s0.svs"):
            assert word.encode() not in text, f"{name}: {word}"


def test_the_card_holds_the_metrics_with_their_intervals(bundle):
    card = (bundle / "README.md").read_text()
    row = read_csv(bundle / "metrics.csv").set_index(["level", "metric"]).loc["patient", "log_loss"]
    said = f"| log_loss | {row['pooled']:.3f} | {row['ci_low']:.3f} to {row['ci_high']:.3f} |"
    assert said in card
    for words in ("library_name: slidesieve", "no medical device", "| tumour | 3 | 3 |", "128 px"):
        assert words in card


def test_the_same_study_gives_the_same_bytes(bundle, at_toy):
    first = content(bundle)
    assert main(bundle_args(bundle, "--model", "abmil", "--encoder", "colour_texture")) == 0
    assert content(bundle) == first


def test_inspect_shows_a_bundle(bundle, capsys):
    assert main(["inspect", str(bundle)]) == 0
    said = capsys.readouterr().out
    for words in ("colour_texture, revision 1", "128 px at 0.5", "fold_1: epoch", "of benign"):
        assert words in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "there are several models, give --model: abmil, mean"),
        (("--model", "abmlil"), "no model 'abmlil'; "),
        (("--model", "abmil", "--encoder", "conch"), "no encoder 'conch'; "),
    ],
)
def test_a_model_that_is_not_there_is_named(at_toy, tmp_path, capsys, more, words):
    assert main(bundle_args(tmp_path / "out", *more)) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(at_toy, tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    assert main(bundle_args(tmp_path, "--model", "abmil")) == 2
    assert "exists and is no bundle" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_config_that_has_changed_since_is_told(toy, tmp_path, monkeypatch, capsys):
    config = toy.config
    config["models"]["abmil"] = {"aggregator": {"name": "abmil", "attention_dim": 8}}
    config["datasets"]["toy"]["target_mpp"] = 0.25
    toy.write_config(config)
    monkeypatch.chdir(toy.folder)
    assert main(bundle_args(tmp_path / "out", "--model", "abmil")) == 2
    said = capsys.readouterr().err
    assert "fold_0 was fitted to another spec of abmil than the config's" in said
    assert "tiles were made with target_mpp = 0.5, the config says 0.25" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: (d / "fold_1/weights.safetensors").unlink(), "weights.safetensors: is missing"),
        (
            lambda d: shutil.copy(d / "fold_0/weights.safetensors", d / "fold_1"),
            "is not the file that was bundled",
        ),
        (lambda d: rewrite(d, "bundle.json", schema_version=9), "is of form 9"),
        (lambda d: rewrite(d, "bundle.json", fits={"../../x": {}}), "fits"),
        (lambda d: rewrite(d, "bundle.json", classes=["tumour", "benign"]), "its classes or width"),
        (lambda d: (d / "bundle.json").unlink(), "not a bundle"),
    ],
)
def test_a_damaged_bundle_is_refused(bundle, change, words):
    change(bundle)
    with pytest.raises(ContractError, match=words):
        load_fits(bundle)


def rewrite(folder: Path, name: str, **changes: object) -> None:
    described = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(described | changes))


def test_a_bundle_goes_to_a_hub_and_comes_back_the_same(bundle, tmp_path):
    with running_hub() as hub:
        hub.files["lab/other", "config.json"] = b"{}"
        hub.files[REPOSITORY, "pickled.bin"] = b"no part of a bundle"
        said = with_hub(
            hub,
            tmp_path,
            (TOKEN, ["push", str(bundle), REPOSITORY]),
            (TOKEN, ["pull", REPOSITORY, "back"]),
            ("hf_no_right", ["push", str(bundle), "lab/forbidden"]),
            (TOKEN, ["pull", "lab/absent", "absent"]),
            (TOKEN, ["pull", "lab/other", "other"]),
        )
        page = f"{hub.endpoint}/{REPOSITORY}"
    assert re.findall(r"^exit (\d)", said, re.MULTILINE) == ["0", "0", "2", "2", "2"]
    assert content(tmp_path / "back") == content(bundle)
    for words in (
        *(f"bundle: {page}", f"{REPOSITORY}@{COMMIT}"),
        "lab/forbidden",
        "lab/absent does not exist",
        "lab/other: the repository: not a bundle",
    ):
        assert words in said
    assert TOKEN not in said
    assert {path.name for path in tmp_path.iterdir()} <= {"bundle", "back", "hf"}


def test_a_final_model_goes_into_the_bundle_and_refits_no_fold(toy, tmp_path, monkeypatch):
    config = toy.config
    config["training"]["final_model"] = True
    toy.write_config(config)
    model = "toy/models/colour_texture/abmil"
    planned = toy.snakemake("-n")
    assert planned.rules == {"final_model": 2, "all": 1}
    toy.snakemake(f"results/{model}/final/model.json")
    monkeypatch.chdir(toy.folder)
    assert main(bundle_args(tmp_path / "out", "--model", "abmil")) == 0
    fits = load_fits(tmp_path / "out")
    assert list(fits) == ["fold_0", "fold_1", "final"]
    assert fits["final"].best_epoch == max(fits["fold_0"].best_epoch, fits["fold_1"].best_epoch)
    assert read_bundle(tmp_path / "out").folds == ["fold_0", "fold_1"]
    assert "`final` was fitted to all patients" in (tmp_path / "out/README.md").read_text()
