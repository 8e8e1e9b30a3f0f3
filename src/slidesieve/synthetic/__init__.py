"""Painted slides and mosaics of real tiles, whose truth is known."""
