"""Encoders of the registry: official checkpoints go in, the official features come out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from helpers.encoder_inputs import normalised, spec_for, tiles
from helpers.tiny_checkpoints import (
    DEPTH,
    HEADS,
    TRUNK,
    conch_feature,
    conch_state,
    conch_v15_feature,
    conch_v15_state,
    registers_state,
    registers_tokens,
    tiny_conch,
    tiny_conch_v15,
    tiny_virchow2,
    virchow2_feature,
    virchow2_state,
)
from slidesieve.encoders.cards import CARDS
from slidesieve.encoders.checkpoint_keys import to_own_layout
from slidesieve.encoders.published import build_card, preparation_of
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.encoders.towers import build_tower
from slidesieve.errors import ConfigError

OFFICIAL = {
    "conch_v1": (tiny_conch, conch_state, conch_feature),
    "conch_v15": (tiny_conch_v15, conch_v15_state, conch_v15_feature),
    "virchow2": (tiny_virchow2, virchow2_state, virchow2_feature),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_features_equal_a_forward_from_the_official_description(tmp_path, name):
    make_card, make_state, feature = OFFICIAL[name]
    card, state = make_card(), make_state()
    torch.save(state, tmp_path / "pytorch_model.bin")
    encoder = build_card(card, spec_for(card, tmp_path / "pytorch_model.bin"))
    images = tiles(card.input_px)
    expected = feature(state, normalised(card, images)).numpy()
    features = encoder.encode(images)
    assert features.shape == expected.shape == (2, card.width(card.pooling))
    np.testing.assert_allclose(features, expected, atol=2e-4, rtol=2e-4)
    assert encoder.tile_px == card.input_px


def test_conch_v15_stretches_its_position_codes_as_dino_does():
    state = conch_v15_state()
    codes = state["trunk.pos_embed"]
    with torch.device("meta"):
        network = build_tower(tiny_conch_v15(), "attention").network
    grid = codes[:, 1:].unflatten(1, (14, 14)).permute(0, 3, 1, 2)
    stretched = torch.nn.functional.interpolate(grid, scale_factor=28.1 / 14, mode="bicubic")
    own = to_own_layout("conch_v15", state, network)["trunk.pos_embed"]
    assert torch.equal(own[:, :1], codes[:, :1])
    torch.testing.assert_close(own[:, 1:], stretched.flatten(2).transpose(1, 2))


def test_conch_projects_into_the_space_of_texts_on_request(tmp_path):
    card, state = tiny_conch(), conch_state()
    save_file(state, tmp_path / "w.safetensors")
    plain = build_card(card, spec_for(card, tmp_path / "w.safetensors"))
    encoder = build_card(
        card, spec_for(card, tmp_path / "w.safetensors", pooling="attention+projection")
    )
    images = tiles(448)
    expected = conch_feature(state, normalised(card, images), projected=True)
    np.testing.assert_allclose(encoder.encode(images), expected, atol=2e-4)
    assert encoder.pooling == "attention+projection"
    assert encoder.revision != plain.revision


def test_virchow2_gives_the_class_token_alone_on_request(tmp_path):
    card, state = tiny_virchow2(), virchow2_state()
    torch.save(state, tmp_path / "w.bin")
    both = build_card(card, spec_for(card, tmp_path / "w.bin")).encode(tiles(224))
    alone = build_card(card, spec_for(card, tmp_path / "w.bin", pooling="cls")).encode(tiles(224))
    np.testing.assert_allclose(alone, both[:, : card.token_width], atol=1e-6)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda s: s.pop("visual.trunk.norm.bias"), "1 missing .*: trunk.norm.bias"),
        (lambda s: s.update({"visual.adapter.weight": torch.zeros(1)}), "unexpected .*: adapter"),
        (lambda s: s.update({"visual.proj_contrast": torch.zeros(3, 3)}), r"\(3, 3\) for \(16, 16"),
        (lambda s: s.update({"visual.trunk.pos_embed": torch.zeros(1, 197, 48)}), "another shape"),
    ],
)
def test_a_checkpoint_of_another_layout_is_refused_with_its_keys(tmp_path, edit, words):
    card, state = tiny_conch(), conch_state()
    edit(state)
    torch.save(state, tmp_path / "w.bin")
    with pytest.raises(ConfigError, match=words):
        build_card(card, spec_for(card, tmp_path / "w.bin"))


def test_half_precision_weights_are_computed_in_full(tmp_path):
    card, state = tiny_virchow2(), virchow2_state()
    torch.save({key: value.half() for key, value in state.items()}, tmp_path / "w.bin")
    encoder = build_card(card, spec_for(card, tmp_path / "w.bin"))
    rounded = {key: value.half().float() for key, value in state.items()}
    expected = virchow2_feature(rounded, normalised(card, tiles(224)))
    np.testing.assert_allclose(encoder.encode(tiles(224)), expected, atol=2e-4, rtol=2e-4)


def test_weights_of_a_folder_are_found_by_their_official_name(tmp_path):
    card, state = tiny_conch(), conch_state()
    torch.save(state, tmp_path / "pytorch_model.bin")
    encoder = build_card(card, spec_for(card, tmp_path))
    assert encoder.source == f"file {tmp_path.name}/pytorch_model.bin"
    with pytest.raises(ConfigError, match=r"holds no pytorch_model_vision\.bin"):
        build_card(tiny_conch_v15(), spec_for(tiny_conch_v15(), tmp_path))


def test_a_wrong_checksum_is_refused(tmp_path):
    card = tiny_conch()
    torch.save(conch_state(), tmp_path / "w.bin")
    with pytest.raises(ConfigError, match=f"have the sha256 .*, but {'0' * 64} is wanted"):
        build_card(card, spec_for(card, tmp_path / "w.bin", sha256="0" * 64))


def test_weights_of_another_width_are_no_surprise_in_training(tmp_path):
    card = replace(tiny_virchow2(), token_width=64)
    torch.save(virchow2_state(), tmp_path / "w.bin")
    with pytest.raises(ConfigError, match="gives 96 numbers a tile, but its card says 128"):
        build_card(card, spec_for(card, tmp_path / "w.bin"))


def test_resnet50_is_cut_after_its_third_stage(tmp_path):
    import timm

    torch.manual_seed(3)
    whole = timm.create_model("resnet50", pretrained=False).eval()
    torch.save(whole.state_dict(), tmp_path / "w.bin")
    encoder = build_card(CARDS["resnet50"], spec_for(CARDS["resnet50"], tmp_path / "w.bin"))
    with torch.no_grad():
        x = whole.maxpool(
            whole.act1(whole.bn1(whole.conv1(normalised(CARDS["resnet50"], tiles(224)))))
        )
        expected = whole.layer3(whole.layer2(whole.layer1(x))).mean((2, 3))
    np.testing.assert_allclose(encoder.encode(tiles(224)), expected, atol=1e-4, rtol=1e-3)
    assert encoder.dim == 1024


def test_gigapath_sees_the_centre_of_a_larger_tile():
    prepare = preparation_of(CARDS["gigapath"])
    images = tiles(256)
    seen = prepare(images, torch.device("cpu"))
    expected = normalised(CARDS["gigapath"], images[:, 16:240, 16:240])
    torch.testing.assert_close(seen, expected)
    assert "resize 256x256 bicubic antialiased, centre 224x224" in prepare.words


def test_h0_mini_is_built_from_the_config_beside_its_weights(tmp_path):
    size = {"embed_dim": TRUNK, "depth": DEPTH, "num_heads": HEADS, "mlp_ratio": 2 * 128 / TRUNK}
    config = {
        "architecture": "vit_base_patch14_reg4_dinov2",
        "model_args": {"img_size": 224, "num_classes": 0, **size},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    state = registers_state()
    save_file(state, tmp_path / "model.safetensors")
    card = replace(CARDS["h0_mini"], token_width=TRUNK)
    tokens = registers_tokens(state, normalised(card, tiles(224)))
    mean = tokens[:, 5:].mean(dim=1)
    for pooling, expected in (
        ("cls", tokens[:, 0]),
        ("cls+mean", torch.cat([tokens[:, 0], mean], dim=1)),
    ):
        encoder = build_card(card, spec_for(card, tmp_path, pooling=pooling))
        np.testing.assert_allclose(encoder.encode(tiles(224)), expected, atol=2e-4, rtol=2e-4)


def test_random_weights_on_purpose_say_so():
    encoder = build_card(tiny_virchow2(), EncoderSpec("virchow2", pretrained=False, device="cpu"))
    assert encoder.revision.startswith("virchow2:cls+mean@random-seed0-")
    assert encoder.source == "random weights, seed 0"
