"""The sample sheet of PANDA from its train.csv."""

from __future__ import annotations

import pytest

from helpers.archive_tables import PANDA_HEADER, write_lines
from slidesieve.cli.main import main
from slidesieve.errors import ConfigError
from slidesieve.sheets.panda import draft_from_panda
from slidesieve.store.tables import read_csv

LINES = [
    PANDA_HEADER,
    "0005f7aaab2800f6170c399693a96917,karolinska,0,0+0",
    "0018ae58b01bdadc8e347995b69f99aa,radboud,4,4+4",
    "00412139e6b04d1e1cee8421f38f6e90,karolinska,1,3+3",
    "00412139e6b04d1e1cee8421f38f6e90,karolinska,1,3+3",
    "0068d4c7529e34fd4c9da863ce01a161,radboud,,negative",
]


@pytest.fixture
def train(tmp_path):
    return write_lines(tmp_path / "train.csv", LINES)


@pytest.mark.parametrize(
    ("task", "labels"), [("binary", ["benign", "cancer", "cancer"]), ("isup", ["0", "4", "1"])]
)
def test_labels_are_grades_or_benign_against_cancer(train, task, labels):
    draft = draft_from_panda(train, task)
    assert [row.label for row in draft.rows] == labels
    assert [why for _, why in draft.left_out] == ["isup_grade is ''", "listed twice"]
    assert {row.patient_id == row.slide_id for row in draft.rows} == {True}


def test_the_command_keeps_provider_and_score_beside_the_label(train, tmp_path, capsys):
    slides = tmp_path / "train_images"
    slides.mkdir()
    (slides / "0018ae58b01bdadc8e347995b69f99aa.tiff").touch()
    output = tmp_path / "panda.csv"
    arguments = ["sheet", "panda", str(train), "--slides", str(slides), "--output", str(output)]
    assert main(arguments) == 0
    (row,) = read_csv(output).to_dict("records")
    assert row["label"] == "cancer"
    assert row["meta.provider"] == "radboud"
    assert row["meta.gleason"] == "4+4"
    assert "left out, file missing: 2" in capsys.readouterr().out


def test_a_table_of_another_kind_is_refused(tmp_path):
    table = write_lines(tmp_path / "x.csv", ["image,grade", "a,1"])
    with pytest.raises(ConfigError, match="no column for image id; expected 'image_id'"):
        draft_from_panda(table, "binary")
