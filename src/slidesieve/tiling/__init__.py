"""Tiles at a true scale: their settings, their spec, their grid and how one is read."""
