"""Specs, schema errors and suggestions for misspelt names."""
