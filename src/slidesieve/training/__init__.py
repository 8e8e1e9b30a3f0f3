"""Fitting a slide classifier to one fold, predicting with it, and keeping it.

Nothing is imported here, so that checking the settings of a config does not load torch.
"""
