"""Slides of a finished study in a browser: zoomed, with overlays, two models in step."""
