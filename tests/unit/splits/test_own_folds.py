"""Published splits are read in the forms that CLAM, PANTHER and spreadsheets have."""

from __future__ import annotations

from pathlib import Path

import pytest

from slidesieve.errors import ConfigError
from slidesieve.splits.own_folds import read_own_folds

SLIDES = [f"s{i}" for i in range(8)]
PARTS = {"train": ["s2", "s3", "s6", "s7"], "val": ["s4", "s5"], "test": ["s0", "s1"]}
EXPECTED = {slide: part for part, slides in PARTS.items() for slide in slides}


def wide(parts=PARTS, index=True):
    """CLAM's splits_k.csv."""
    n_rows = max(map(len, parts.values()))
    rows = [
        [slides[i] if i < len(slides) else "" for slides in parts.values()] for i in range(n_rows)
    ]
    lines = [",".join(([str(i)] if index else []) + row) for i, row in enumerate(rows)]
    return "\n".join([",".join([""] * index + [*parts]), *lines]) + "\n"


def boolean(parts=PARTS):
    """CLAM's splits_k_bool.csv."""
    lines = [
        ",".join([slide, *(str(slide in slides) for slides in parts.values())])
        for slides_of in parts.values()
        for slide in slides_of
    ]
    return "\n".join([",".join(["", *parts]), *lines]) + "\n"


def folds_in(path: Path, slides=SLIDES) -> list[dict[str, str]]:
    own = read_own_folds(path, slides)
    return [{slide: parts[fold] for slide, parts in own.parts} for fold in range(own.n_folds)]


@pytest.fixture
def write(tmp_path):
    def files(**texts) -> Path:
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return files


@pytest.mark.parametrize(
    "text",
    [
        wide(),
        wide(index=False),
        boolean(),
        boolean().replace("True", "TRUE").replace("False", "FALSE"),
        boolean().replace("True", "1").replace("False", "0"),
        wide().replace("train,val,test", "Train, Val,TEST "),
        wide().replace("s2", " s2 ").replace("s0", "s0.svs").replace("s4", "s4.h5"),
        wide().replace(",", ";"),
    ],
)
def test_one_fold_of_clam(write, text):
    assert folds_in(write(splits_0=text) / "splits_0.csv") == [EXPECTED]


def test_the_shared_split_of_clam(shared_data):
    assert folds_in(shared_data / "field_cases/folds/splits_0.csv") == [EXPECTED]


@pytest.mark.parametrize("forms", [("", "_bool"), ("",), ("_bool",)])
def test_a_folder_of_clams_splits_has_a_fold_per_number(write, forms):
    order = [*range(11)]
    turned = {
        k: {part: [SLIDES[(int(s[1]) + k) % 8] for s in PARTS[part]] for part in PARTS}
        for k in order
    }
    texts = {
        f"splits_{k}{form}": (boolean if form else wide)(turned[k]) for k in order for form in forms
    }
    folder = write(**texts, splits_0_descriptor=",train,val,test\nA,2,1,1\n")
    found = folds_in(folder)
    assert len(found) == 11
    for k in order:
        assert {s for s, part in found[k].items() if part == "test"} == set(turned[k]["test"])


def part_file(slides, ending=".svs"):
    return "slide_id,case_id,OncoTreeCode\n" + "".join(f"{s}{ending},c,LUAD\n" for s in slides)


@pytest.mark.parametrize("prefix", ["", "nsclc_", "my.split-"])
def test_three_files_of_panther(write, prefix):
    folder = write(**{f"{prefix}{part}": part_file(slides) for part, slides in PARTS.items()})
    assert folds_in(folder) == [EXPECTED]


def test_two_files_leave_the_validation_part_empty(write):
    folder = write(train=part_file(PARTS["train"]), test=part_file(PARTS["test"]))
    (fold,) = folds_in(folder)
    assert (fold["s2"], fold["s0"], fold["s4"]) == ("train", "test", "unused")


def test_folders_per_fold_are_taken_by_their_numbers(write):
    texts = {}
    for k in range(12):
        test = [SLIDES[k % 8]]
        rest = [slide for slide in SLIDES if slide not in test]
        texts |= {f"tcga_k={k}__train": part_file(rest), f"tcga_k={k}__test": part_file(test)}
    found = folds_in(write(**texts))
    assert [[s for s, part in fold.items() if part == "test"] for fold in found] == [
        [SLIDES[k % 8]] for k in range(12)
    ]


def test_a_pattern_chooses_one_of_two_splits(shared_data):
    folder = shared_data / "splits"
    own = read_own_folds(folder / "nsclc_disjoint_patients_*.csv")
    assert own.n_folds == 1
    assert {part for _, (part,) in own.parts} == {"train", "val", "test"}
    with pytest.raises(ConfigError, match="several files are train") as error:
        read_own_folds(folder)
    assert "folds.file: folder/name_*.csv" in str(error.value)


@pytest.mark.parametrize("cell", ["Train ", " TRAIN", "training", "train"])
def test_capitals_and_blanks_of_cells_are_forgiven(write, cell):
    folder = write(folds=f"Slide_ID,Fold_0\ns0,{cell}\ns1,Test\n")
    own = read_own_folds(folder / "folds.csv", ["s0", "s1"])
    assert own.parts == [("s0", ["train"]), ("s1", ["test"])]


@pytest.mark.parametrize("cell", ["", "unused", "NaN", "none", "-", "excluded"])
def test_a_slide_that_a_split_does_not_use_has_legal_cells(write, cell):
    folder = write(folds=f"slide_id,fold_0,x\ns0,train,\ns1,test,\ns2,{cell},\n")
    own = read_own_folds(folder / "folds.csv", ["s0", "s1", "s2"])
    assert own.parts[2] == ("s2", ["unused"])
    assert own.unused == {"fold_0": ["s2"]}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"splits_0": wide(PARTS | {"test": ["s0", "s2"]})}, "slide s2 is in train and in test"),
        ({"train": part_file(["s1"])}, "no file is test"),
        ({"notes": "a,b\n1,2\n"}, "holds no folds"),
        ({"train": "name\ns1\n", "test": part_file(["s0"])}, "train.csv: column slide_id is"),
        ({"a_1": wide(), "b_1": wide()}, "several splits have the same number"),
        ({"splits_0": "x,y\n1,2\n"}, "has not the columns train and test"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(write, texts, words):
    with pytest.raises(ConfigError) as error:
        read_own_folds(write(**texts), SLIDES)
    assert words in str(error.value)
