"""Tiled TIFF slides read without OpenSlide: each stored tile decoded once, in parallel threads.

The pixels are OpenSlide's, see `slidesieve.slide.tiled.reader`.
"""
