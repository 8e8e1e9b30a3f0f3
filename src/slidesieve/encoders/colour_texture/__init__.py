"""colour_texture: tiles described by colour, stain and texture statistics, without any weights.

Every number: docs/reference/colour_texture.md. They are taken from 8-bit images by histograms
and sums, so they are finite and bounded for any tile whatever.
"""
