"""Tables of labels are read as people have them."""

from __future__ import annotations

import pytest

from slidesieve.errors import ConfigError
from slidesieve.sheets.from_folder import read_labels


@pytest.mark.parametrize(
    "text",
    [
        "slide_id,label\na.svs,LUAD\nb,LUSC\n",
        "slide_id;label\na.svs;LUAD\nb;LUSC\n",
        ",slide_id,label\n0,a.svs,LUAD\n1,b,LUSC\n\n,,\n",
        "# labels\nslide_id\tlabel\na.svs\tLUAD\nb\tLUSC\n",
    ],
)
def test_labels_in_any_spelling(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text)
    labels = read_labels(tmp_path / "labels.csv")
    assert (labels["a"].label, labels["b"].label) == ("LUAD", "LUSC")


def test_a_row_that_does_not_fit_is_told(tmp_path):
    (tmp_path / "labels.csv").write_text("slide_id,label\na,LUAD,more\n")
    with pytest.raises(ConfigError, match="row 2: has more cells than the header"):
        read_labels(tmp_path / "labels.csv")
