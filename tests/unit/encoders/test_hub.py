"""Weights from a hub: real huggingface_hub against a small hub served on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from helpers.encoder_inputs import tiles
from helpers.loopback_hub import COMMIT, TOKEN, running_hub
from helpers.tiny_checkpoints import conch_state, tiny_conch, virchow2_state
from slidesieve.encoders.published import build_card
from slidesieve.encoders.spec import EncoderSpec

CONCH, VIRCHOW2 = "MahmoodLab/conch", "paige-ai/Virchow2"
BIN = "pytorch_model.bin"

# Each runs in a process of its own, for huggingface_hub reads its variables when imported, with a
# log at DEBUG. They print what they got as JSON, or the error as a user would see it.
_ERRORS = """
import json, logging, sys
logging.basicConfig(filename="run.log", level=logging.DEBUG)
from slidesieve.errors import ConfigError
def attempt(action):
    try:
        print(json.dumps(action()))
    except ConfigError as error:
        logging.exception("refused")
        sys.exit(f"{error}")
repository, revision, *names = sys.argv[1:]
"""
FETCH = f"""{_ERRORS}
from slidesieve.encoders.hub import fetch
attempt(lambda: fetch(repository, names, revision or None, "tiny").source)
"""
ENCODE = f"""{_ERRORS}
from helpers.encoder_inputs import tiles
from helpers.tiny_checkpoints import tiny_conch
from slidesieve.encoders.published import build_card
from slidesieve.encoders.spec import EncoderSpec
def features():
    encoder = build_card(tiny_conch(), EncoderSpec("conch_v1", revision=revision, device="cpu"))
    return [encoder.source, encoder.revision, encoder.encode(tiles(448)).tolist()]
attempt(features)
"""


def as_bin(state) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@pytest.fixture
def hub():
    with running_hub() as hub:
        hub.files[CONCH, BIN] = as_bin(conch_state())
        hub.files[VIRCHOW2, "model.safetensors"] = save(virchow2_state())
        hub.files[VIRCHOW2, BIN] = b"never asked for"
        hub.gated |= {CONCH, VIRCHOW2}
        yield hub


@pytest.fixture
def ask(hub, tmp_path):
    def run(
        repository: str = CONCH,
        *names: str,
        revision: str = COMMIT,
        token: str | None = TOKEN,
        offline: bool = False,
        code: str = FETCH,
    ) -> subprocess.CompletedProcess:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "OMP_NUM_THREADS": "1",
            **({"HF_TOKEN": token} if token else {}),
            **({"HF_HUB_OFFLINE": "1"} if offline else {}),
        }
        return subprocess.run(
            [sys.executable, "-c", code, repository, revision, *(names or [BIN])],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def answer(run: subprocess.CompletedProcess):
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def refusal(run: subprocess.CompletedProcess) -> str:
    assert run.returncode == 1, run.stdout
    return run.stderr


def test_an_official_checkpoint_comes_from_the_hub_and_gives_its_features(hub, ask, tmp_path):
    source, revision, features = answer(ask(code=ENCODE))
    assert source == f"{CONCH}@{COMMIT}/{BIN}"
    torch.save(conch_state(), tmp_path / "w.bin")
    local = build_card(
        tiny_conch(), EncoderSpec("conch_v1", weights=tmp_path / "w.bin", device="cpu")
    )
    np.testing.assert_allclose(features, local.encode(tiles(448)), rtol=1e-5, atol=1e-5)
    assert revision == local.revision  # the same weights, wherever they come from


def test_a_file_is_downloaded_once_and_then_had_offline(hub, ask):
    source = answer(ask())
    downloads = [path for method, path, *_ in hub.requests if method == "GET"]
    assert downloads == [f"/{CONCH}/resolve/{COMMIT}/{BIN}"]
    hub.requests.clear()
    assert answer(ask(offline=True, token=None)) == source
    assert answer(ask(token=None)) == source  # a pinned commit asks nothing
    assert not hub.requests


def test_the_preferred_name_is_taken_and_the_newest_commit_recorded(hub, ask):
    names = ("model.safetensors", BIN)
    source = answer(ask(VIRCHOW2, *names, revision=""))
    assert source == f"{VIRCHOW2}@{COMMIT}/model.safetensors"
    assert answer(ask(VIRCHOW2, *names, revision="", offline=True)) == source
    assert answer(ask(CONCH, *names, revision="")) == f"{CONCH}@{COMMIT}/{BIN}"
    assert answer(ask(CONCH, *names, revision="", offline=True)) == f"{CONCH}@{COMMIT}/{BIN}"


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        (None, 401, ["is gated and no token is set", "request access at", "HF_TOKEN"]),
        ("hf_someone_else", 403, ["is gated and your account has no access", "HF_TOKEN"]),
    ],
)
def test_a_gate_says_what_to_request_and_where_the_token_goes(hub, ask, token, status, words):
    said = refusal(ask(token=token))
    for part in [*words, f"{hub.endpoint}/{CONCH}", "`weights:`"]:
        assert part in said
    assert status in {found for _, _, found, _ in hub.requests}


def test_a_transfer_cut_in_the_middle_is_taken_up_where_it_broke(hub, ask, tmp_path):
    # huggingface_hub writes in pieces of 10 MiB: what was written is not asked for again.
    content = np.random.default_rng(0).bytes(25 * 2**20)
    hub.files[CONCH, BIN] = content
    hub.cut_after = 15 * 2**20
    answer(ask())
    assert [asked for *_, status, asked in hub.requests if status == 206] == ["bytes=10485760-"]
    (path,) = (tmp_path / "hf").rglob(BIN)
    assert path.read_bytes() == content


def test_damaged_weights_are_refused_removed_and_had_anew(hub, ask, tmp_path):
    hub.lies.add(CONCH)
    assert "arrived damaged" in refusal(ask())
    assert not list((tmp_path / "hf").rglob(BIN))
    hub.lies.clear()
    assert answer(ask()).endswith(BIN)


def test_out_of_reach_says_where_it_looked(hub, ask, tmp_path):
    said = refusal(ask(offline=True))
    assert "is not in the cache" in said
    assert str(tmp_path / "hf") in said
    assert not hub.requests


def test_wrong_repository_revision_or_file_are_named(hub, ask):
    assert "has no revision v9" in refusal(ask(revision="v9"))
    assert "does not exist, or is private" in refusal(ask("lab/none"))
    assert "holds none of weights.pt, w.bin" in refusal(ask(CONCH, "weights.pt", "w.bin"))


def command_lines() -> set[bytes]:
    """What a process list shows now."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.add(path.read_bytes())
    return found


@pytest.mark.parametrize("how_it_ends", ["well", "damaged", "refused"])
def test_the_token_reaches_no_output_log_file_or_process_list(hub, ask, tmp_path, how_it_ends):
    token = TOKEN
    if how_it_ends == "damaged":
        hub.lies.add(CONCH)
    elif how_it_ends == "refused":
        token = "hf_ThisOneIsNotAllowed"
    listed: set[bytes] = set()
    hub.on_request = lambda: listed.update(command_lines())
    run = ask(token=token)
    assert (run.returncode == 0) == (how_it_ends == "well")
    assert token not in run.stdout + run.stderr
    assert any(CONCH.encode() in line for line in listed) == Path("/proc/self/cmdline").exists()
    assert not any(token.encode() in line for line in listed)
    assert (tmp_path / "run.log").stat().st_size
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path
