"""hf-hub:owner/name: whatever its config.json says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from helpers.encoder_inputs import tiles
from slidesieve.encoders.registry import load_encoder
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.errors import ConfigError

import_torchvision()

import timm  # noqa: E402

CONFIG = {
    "architecture": "test_vit",
    "model_args": {"img_size": 64, "num_classes": 0},
    "pretrained_cfg": {
        "input_size": [3, 64, 64],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bilinear",
    },
}


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return timm.create_model("test_vit", pretrained=False, num_classes=0, img_size=64).eval()


@pytest.fixture
def folder(model, tmp_path):
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.mark.parametrize("name", ["hf-hub:lab/model", "timm:hf-hub:lab/model"])
def test_features_are_those_of_the_described_model(model, folder, name):
    encoder = load_encoder({"name": name, "weights": str(folder), "device": "cpu"})
    images = torch.from_numpy(tiles(64)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        by_hand = model((images - 0.5) / 0.25)
    np.testing.assert_allclose(encoder.encode(tiles(64)), by_hand, rtol=1e-4, atol=1e-5)
    assert encoder.name == name
    assert encoder.revision.startswith("model:")
    assert encoder.source == f"file {folder.name}/model.safetensors"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "bert"}, "names no timm architecture"),
        ({**CONFIG, "pretrained_cfg": {"mean": [0.5] * 3}}, "lacks 'input_size'"),
    ],
)
def test_a_repository_that_timm_cannot_load_is_refused(folder, config, words):
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=words):
        load_encoder({"name": "hf-hub:lab/model", "weights": str(folder)})
