"""Another team's reader of TRIDENT folders reads our files (extra `peers`)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from slidesieve.encoders.torchvision_compat import import_torchvision
from slidesieve.store.features import FeatureSet, write_features
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes, write_tiles
from slidesieve.tiling.spec import choose_tile_spec

pytest.importorskip("torchmil", reason="torchmil is not installed: pip install '.[dev,peers]'")


def test_torchmils_trident_dataset_reads_our_files(tmp_path):
    import_torchvision()
    from torchmil.datasets import TridentWSIDataset

    rng = np.random.default_rng(0)
    spec = choose_tile_spec(0.5, [1.0], 256, 256, 0.5)
    written = {}
    for number in range(3):
        coords = np.array([[0, 0], [256, 0], [0, 256], [256, 256]], np.int64)[: number + 2]
        tiles = TileSet(f"s{number}", coords=coords, spec=spec, width=1024, height=1024)
        features = FeatureSet(
            f"s{number}",
            rng.normal(size=(len(coords), 5)).astype(np.float32),
            coords,
            tile_attributes=coords_attributes(tiles),
        )
        write_tiles(tmp_path / f"patches/s{number}_patches.h5", tiles)
        write_features(tmp_path / f"features_colour_texture/s{number}.h5", features)
        written[f"s{number}"] = features
    labels = pd.DataFrame({"wsi": list(written), "label": [0, 1, 0]})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    dataset = TridentWSIDataset(
        f"{tmp_path}/",
        str(tmp_path / "labels.csv"),
        "colour_texture",
        bag_keys=["X", "Y", "coords"],
        patch_size=256,
        wsi_name_col="wsi",
        wsi_label_col="label",
    )
    assert len(dataset) == 3
    for name, bag in zip(dataset.bag_names, dataset, strict=True):
        np.testing.assert_allclose(bag["X"], written[name].features, rtol=1e-6)
        # torchmil counts tiles from the bag's own corner.
        np.testing.assert_array_equal(bag["coords"], written[name].coords // 256)
