from __future__ import annotations

import pytest

from slidesieve.vqa.cases import barcode_case, bare_slide, slide_index


@pytest.mark.parametrize(
    ("name", "slide", "case"),
    [
        ("TCGA-05-4244-01Z-00-DX1", "TCGA-05-4244-01Z-00-DX1", "TCGA-05-4244"),
        ("a/TCGA/x/TCGA-05-4244-01Z-00-DX1.d4ff-32.h5", "TCGA-05-4244-01Z-00-DX1", "TCGA-05-4244"),
        ("TCGA-3C-AALI-01A-01-TSA.svs", "TCGA-3C-AALI-01A-01-TSA", "TCGA-3C-AALI"),
        ("C3N-00432-22", "C3N-00432-22", "C3N-00432"),
        ("GTEX-OIZH-0626.tiff", "GTEX-OIZH-0626", "GTEX-OIZH"),
        ("12", "12", ""),
        ("C:\\slides\\demo_01a.SVS", "demo_01a", ""),
        ("my.slide.v2", "my.slide.v2", ""),
    ],
)
def test_the_slide_and_the_case_that_a_name_means(name, slide, case):
    assert bare_slide(name) == slide
    assert barcode_case(slide) == case


SLIDES = slide_index(
    [
        ("TCGA-AA-0001-01A-01-BS1.1111", "x"),
        ("TCGA-AA-0001-01Z-00-DX2.2222", "x"),
        ("TCGA-AA-0001-01Z-00-DX1.3333", "x"),
        ("demo_1b", "P1"),
        ("demo_1a", "P1"),
    ]
)


def test_slides_are_found_by_barcode_path_or_name():
    assert SLIDES.find("TCGA-AA-0001-01Z-00-DX1") == "TCGA-AA-0001-01Z-00-DX1.3333"
    assert SLIDES.find("a/b/TCGA-AA-0001-01Z-00-DX1.9.h5") == "TCGA-AA-0001-01Z-00-DX1.3333"
    assert SLIDES.find("demo_1b.svs") == "demo_1b"
    assert SLIDES.find("demo_1") is None


def test_slides_of_a_case_begin_with_the_first_diagnostic_one():
    first, second, frozen = SLIDES.of_case("TCGA-AA-0001", "all")
    assert (first[-4:], second[-4:], frozen[-4:]) == ("3333", "2222", "1111")
    assert SLIDES.of_case("TCGA-AA-0001", "first") == (first,)
    assert SLIDES.of_case("P1", "all") == ("demo_1a", "demo_1b")
    assert SLIDES.of_case("TCGA-AA-0002", "all") == ()


def test_the_case_of_a_slide_is_its_barcodes_or_its_patient():
    assert SLIDES.case_of["TCGA-AA-0001-01A-01-BS1.1111"] == "TCGA-AA-0001"
    assert SLIDES.case_of["demo_1b"] == "P1"
