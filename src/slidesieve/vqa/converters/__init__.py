"""Formats of question files by the name a config uses; each converter gives raw questions.

A converter takes the text of a file and gives its questions as they stand there. What they lack or
have wrong is found afterwards, in the same way for all formats.
"""

from __future__ import annotations

from collections.abc import Callable

from slidesieve.vqa.converters.multipathqa import read_multipathqa
from slidesieve.vqa.converters.own_table import read_own_table
from slidesieve.vqa.converters.slidebench import read_slidebench, read_slidebench_captions
from slidesieve.vqa.converters.slideinstruct import read_slideinstruct, read_slideinstruct_captions
from slidesieve.vqa.converters.wsi_vqa import read_wsi_vqa
from slidesieve.vqa.question_settings import Format
from slidesieve.vqa.raw import RawQuestion

Converter = Callable[[str], list[RawQuestion]]
"""From the text of a file to its questions; raises ConfigError if the file is of another format."""

CONVERTERS: dict[Format, Converter] = {
    "slidebench": read_slidebench,
    "slidebench_captions": read_slidebench_captions,
    "wsi_vqa": read_wsi_vqa,
    "slideinstruct": read_slideinstruct,
    "slideinstruct_captions": read_slideinstruct_captions,
    "multipathqa": read_multipathqa,
    "table": read_own_table,
}
