"""Fitting a slide classifier to one fold, predicting with it, and keeping it."""
