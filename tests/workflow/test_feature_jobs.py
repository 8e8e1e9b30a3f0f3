"""Slides are encoded several a job, yet each is made, kept, lost and mended by itself."""

from __future__ import annotations

import os
import shutil

import pytest

from helpers.toy_cohort import paint_toy_slide

pytestmark = pytest.mark.slow

SLIDES = [f"s{number}" for number in range(6)]
INDEX = "results/toy/features/colour_texture.csv"


def feature_file(toy, slide):
    return toy.result(f"toy/features/colour_texture/{slide}.h5")


def identities(toy, slides):
    """What changes when features are computed anew, be it with the same bytes."""
    kept = toy.result("toy/features/colour_texture/.kept")
    return {
        slide: next(
            path for path in (feature_file(toy, slide), kept / f"{slide}.h5") if path.exists()
        )
        .stat()
        .st_ino
        for slide in slides
    }


def hold_inodes(toy):
    """An inode that still has a name cannot be given to a new file."""
    folder = toy.result("toy/features/colour_texture")
    shutil.copytree(folder, toy.folder / "old", copy_function=os.link)


def shard_log(toy, shard):
    return toy.result(f"toy/logs/features/colour_texture/{shard}.log").read_text()


def test_a_new_slide_computes_only_its_own_features(toy):
    before = identities(toy, SLIDES)
    paint_toy_slide(toy.folder / "slides/s6.svs", 6, is_tumour=False)
    with (toy.folder / "slides.csv").open("a") as sheet:
        sheet.write("s6,P6,benign,slides/s6.svs\n")
    done = toy.snakemake(INDEX)
    assert {job for job in done.jobs if job[0] != "feature_index"} == {
        ("tissue", "dataset=toy, slide=s6"),
        ("tiles", "dataset=toy, slide=s6"),
        ("tile_index", "dataset=toy"),
        ("features", "toy_colour_texture_0"),  # of s3, s4, s5 and now s6
    }
    assert identities(toy, SLIDES) == before
    assert feature_file(toy, "s6").exists()
    assert shard_log(toy, 0).count("its features are kept") == 3
    assert not toy.snakemake("-n", INDEX).jobs


def test_a_slide_file_is_a_target(toy):
    hold_inodes(toy)
    before = identities(toy, SLIDES)
    content = feature_file(toy, "s4").read_bytes()
    feature_file(toy, "s4").unlink()
    target = "results/toy/features/colour_texture/s4.h5"
    assert list(toy.snakemake(target).rules) == ["features"]
    assert feature_file(toy, "s4").read_bytes() == content
    after = identities(toy, SLIDES)
    # A file that was deleted is made anew, and no other.
    assert after.pop("s4") != before.pop("s4")
    assert after == before


def test_nothing_is_left_beside_the_features_when_all_is_done(toy):
    assert not toy.result("toy/features/colour_texture/.kept").exists()
    assert {feature_file(toy, slide).stat().st_nlink for slide in SLIDES} == {1}


def test_a_forced_run_encodes_all_slides_anew(toy):
    hold_inodes(toy)
    before = identities(toy, SLIDES)
    toy.snakemake("--forcerun", "features", "--until", "features")
    assert not set(before.values()) & set(identities(toy, SLIDES).values())


def test_a_slide_that_cannot_be_done_harms_no_other(toy):
    """The job fails and says why; the other slides are done, and never done again."""
    before = identities(toy, SLIDES)
    tiles = toy.result("toy/tiles/s1.h5")
    content, made = tiles.read_bytes(), tiles.stat().st_mtime_ns
    tiles.write_bytes(b"no HDF5 at all")
    # The damage is as old as the file, so that the features job is the first to meet it.
    os.utime(tiles, ns=(made, made))
    feature_file(toy, "s1").unlink()
    failed = toy.snakemake("results/toy/features/colour_texture/s1.h5", INDEX, check=False)
    assert failed.code != 0
    assert "1 of the 3 slides of this job could not be done" in failed.text
    assert "s1: ContractError" in failed.text
    assert not feature_file(toy, "s1").exists()
    others = [slide for slide in SLIDES if slide != "s1"]
    assert identities(toy, others) == {slide: before[slide] for slide in others}
    # What failed is not taken for finished, though all that was made of it before is there, ...
    plan = toy.snakemake("-n")
    assert plan.rules["features"] == 1, plan.text
    # ... nor when its cause has gone.
    tiles.write_bytes(content)
    os.utime(tiles, ns=(made, made))
    toy.snakemake("toy", "--until", "feature_index")
    assert identities(toy, others) == {slide: before[slide] for slide in others}
    assert feature_file(toy, "s1").exists()
    assert not toy.snakemake("-n", INDEX).jobs


def test_another_encoder_setting_computes_all_anew(toy):
    before = identities(toy, SLIDES)
    hold_inodes(toy)
    config = toy.config
    config["encoders"] = [{"name": "colour_texture", "precision": "fp16"}]
    toy.write_config(config)
    toy.snakemake(INDEX)
    after = identities(toy, SLIDES)
    assert not set(before.values()) & set(after.values())


def test_a_profile_tunes_the_features_of_all_shards_at_once(toy):
    """`set-resources` and `set-threads` know rule names; the shards answer to `features`."""
    targets = [f"results/toy/features/colour_texture/{slide}.h5" for slide in ("s1", "s4")]
    for target in targets:
        (toy.folder / target).unlink()
    plan = toy.snakemake(
        *("-n", *targets, "--set-threads", "features=2"),
        *("--set-resources", "features:slurm_partition=gpu", "features:mem_mb=4321"),
    )
    assert plan.rules["features"] == 2
    assert plan.text.count(" slurm_partition=gpu") == 2
    assert plan.text.count(" mem_mb=4321") == 2
    assert plan.text.count("threads: 2") == 2
