"""The list of encoders, on the screen and in the docs."""

from __future__ import annotations

import os
import subprocess
import sys

from helpers.loopback_hub import TOKEN, running_hub
from slidesieve.cli.encoders import HEADER, row_of
from slidesieve.cli.main import main
from slidesieve.encoders.card import PROOFS
from slidesieve.encoders.cards import CARDS


def markdown(cells) -> str:
    return f"| {' | '.join(cells)} |"


def test_the_docs_hold_the_registrys_table(repo):
    lines = (repo / "docs/reference/encoders.md").read_text().splitlines()
    start = lines.index(markdown(HEADER))
    expected = [markdown(row_of(card)) for card in CARDS.values()]
    found = lines[start + 2 : start + 2 + len(expected)]
    assert found == expected, "\n".join(["docs/reference/encoders.md should hold:", *expected])
    assert not lines[start + 2 + len(expected)].startswith("|")
    for proof in PROOFS:
        assert any(line.startswith(f"| `{proof}` |") for line in lines)


def test_the_command_lists_every_encoder_once(capsys):
    assert main(["encoders"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(CARDS)]] == list(CARDS)
    (virchow2,) = [line for line in lines if line.startswith("virchow2 ")]
    for cell in ("2560/1280", "224", "yes", "CC-BY-NC-ND-4.0", "paige-ai/Virchow2"):
        assert cell in virchow2.split()


def test_doctor_says_which_gates_are_open_and_keeps_the_token(tmp_path):
    with running_hub() as hub:
        for card in CARDS.values():
            hub.files[card.hub_id, "README.md"] = b"a model"
        hub.gated.update({"MahmoodLab/conch", "paige-ai/Virchow2"})
        for token, words in ((TOKEN, "access granted"), ("hf_other", "no access yet; request it")):
            environment = os.environ | {
                "HF_ENDPOINT": hub.endpoint,
                "HF_TOKEN": token,
                "HF_HOME": str(tmp_path),
                "HF_HUB_OFFLINE": "0",
            }
            said = subprocess.run(
                [sys.executable, "-m", "slidesieve.cli.main", "doctor"],
                env=environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            for name in ("conch_v1", "virchow2"):
                assert f"{name}: {words}" in said.stdout
            assert "hoptimus0: access granted" in said.stdout
            assert token not in said.stdout + said.stderr
