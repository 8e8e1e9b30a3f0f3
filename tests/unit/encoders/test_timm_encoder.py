"""timm models as encoders: same numbers as timm used by hand, weights from anywhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from slidesieve.encoders.registry import load_encoder
from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.encoders.weights import hash_weights
from slidesieve.errors import ConfigError

import_torchvision()

import timm  # noqa: E402
from torchvision.transforms import v2  # noqa: E402

RANDOM = {"name": "timm:resnet18", "pretrained": False, "device": "cpu"}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(RANDOM)


@pytest.fixture(scope="module")
def plain():
    """The same network by timm alone, with its classifier, in other random weights."""
    torch.manual_seed(7)
    return timm.create_model("resnet18", pretrained=False).eval()


def tiles_of(side: int, count: int = 3) -> np.ndarray:
    rng = np.random.default_rng(side)
    small = rng.integers(0, 256, (count, side // 8, side // 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(s).resize((side, side))) for s in small])


def reference(model: torch.nn.Module, tiles: np.ndarray) -> np.ndarray:
    """Features by torchvision's transforms and timm's own two steps of a forward pass."""
    transform = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((224, 224), v2.InterpolationMode.BICUBIC, antialias=True),
            v2.Lambda(lambda image: image.clamp(0, 1)),
            v2.Normalize(timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD),
        ]
    )
    with torch.no_grad():
        images = transform(torch.from_numpy(tiles).permute(0, 3, 1, 2))
        return model.forward_head(model.forward_features(images), pre_logits=True).numpy()


def test_features_equal_those_of_timm_and_torchvision_by_hand(tmp_path, plain):
    torch.save(plain.state_dict(), tmp_path / "w.pth")
    encoder = load_encoder(
        {"name": "timm:resnet18", "weights": tmp_path / "w.pth", "device": "cpu"}
    )
    for side in (224, 256, 128):
        features = encoder.encode(tiles_of(side))
        assert features.dtype == np.float32
        assert features.shape == (3, encoder.dim) == (3, 512)
        expected = reference(plain, tiles_of(side))
        np.testing.assert_allclose(features, expected, atol=2e-4, rtol=1e-3)


def test_it_says_how_it_sees_and_what_it_is(encoder):
    assert encoder.name == "timm:resnet18"
    assert encoder.tile_px == 224
    assert encoder.transform.startswith("resize 224x224 bicubic antialiased, mean 0.485/0.456/")
    assert encoder.pooling == "avg"
    assert encoder.precision == "fp32"
    assert encoder.revision.startswith("resnet18@random-seed0-")


def test_random_weights_are_the_same_each_time_and_leave_the_random_state_alone(encoder):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = load_encoder(RANDOM)
    assert torch.equal(torch.get_rng_state(), before)
    assert again.revision == encoder.revision
    np.testing.assert_array_equal(again.encode(tiles_of(224)), encoder.encode(tiles_of(224)))


@pytest.mark.parametrize("form", ["w.safetensors", "w.pth", "wrapped.bin", "parallel.pth"])
def test_weights_load_from_every_form_to_the_same_revision(tmp_path, plain, form):
    state = plain.state_dict()
    path = tmp_path / form
    match form:
        case "w.safetensors":
            save_file(state, path)
        case "w.pth":
            torch.save(state, path)
        case "wrapped.bin":
            torch.save({"epoch": 3, "state_dict": state}, path)
        case "parallel.pth":
            torch.save({f"module.{key}": value for key, value in state.items()}, path)
    encoder = load_encoder({"name": "timm:resnet18", "weights": str(path), "device": "cpu"})
    body = {key: value for key, value in state.items() if not key.startswith("fc.")}
    assert encoder.revision == f"resnet18@{hash_weights(body)[:16]}"


def test_weights_that_do_not_fit_are_refused_with_the_keys(tmp_path, plain):
    state = dict(plain.state_dict())
    state["stem.weight"] = state.pop("conv1.weight")
    state["bn1.weight"] = torch.zeros(3)
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ConfigError) as error:
        load_encoder({"name": "timm:resnet18", "weights": tmp_path / "w.safetensors"})
    message = str(error.value)
    assert "w.safetensors does not fit" in message
    assert "1 missing (in the model, not in the file): conv1.weight" in message
    assert "1 unexpected (in the file, not in the model): stem.weight" in message
    assert "bn1.weight (3,) for (64,)" in message


@pytest.mark.parametrize("name", ["absent.pth", "absent.safetensors"])
def test_absent_weights_are_named(tmp_path, name):
    with pytest.raises(ConfigError, match=f"{name} do not exist"):
        load_encoder({"name": "timm:resnet18", "weights": tmp_path / name})


@pytest.mark.parametrize("name", ["junk.pth", "junk.safetensors"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is not a file of weights at all")
    with pytest.raises(ConfigError, match=f"{name} cannot be read"):
        load_encoder({"name": "timm:resnet18", "weights": tmp_path / name})


def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"a": Bomb()}, protocol=2))
    with pytest.raises(ConfigError, match=r"bomb\.pth cannot be read"):
        load_encoder({"name": "timm:resnet18", "weights": tmp_path / "bomb.pth"})
    assert not (tmp_path / "exploded").exists()


def test_an_unknown_model_is_answered_with_what_comes_near():
    with pytest.raises(ConfigError, match=r"did you mean .*resnet18"):
        load_encoder({"name": "timm:resnet_18", "pretrained": False})


def test_published_weights_out_of_reach_say_what_to_do(tmp_path):
    code = (
        "from slidesieve.encoders.registry import load_encoder\n"
        "from slidesieve.errors import ConfigError\n"
        "try: load_encoder('timm:resnet18')\n"
        "except ConfigError as error: print(error)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "published weights cannot be had" in run.stdout
    assert "HF_TOKEN" in run.stdout
    assert "`weights:`" in run.stdout


def test_half_precision_on_request_stays_near_full_precision(encoder):
    half = load_encoder(RANDOM | {"precision": "fp16"})
    assert half.precision == "fp16"
    full_features, half_features = encoder.encode(tiles_of(224)), half.encode(tiles_of(224))
    assert not np.array_equal(half_features, full_features)
    np.testing.assert_allclose(half_features, full_features, rtol=0.05, atol=0.01)


def test_no_tiles_give_no_features(encoder):
    assert encoder.encode(np.zeros((0, 256, 256, 3), np.uint8)).shape == (0, 512)


def test_the_hash_of_weights_sees_names_values_and_shapes():
    base = {"a": torch.zeros(2, 3), "b": torch.ones(())}
    others = [
        {"a": torch.zeros(3, 2), "b": torch.ones(())},
        {"a": torch.zeros(2, 3), "c": torch.ones(())},
        {"a": torch.zeros(2, 3), "b": torch.zeros(())},
        {"a": torch.zeros(2, 3, dtype=torch.int32), "b": torch.ones(())},
    ]
    assert hash_weights(dict(reversed(base.items()))) == hash_weights(base)
    assert len({hash_weights(state) for state in [base, *others]}) == 5
