"""Slides put together from real labelled tiles, so that the truth of every tile is known."""
