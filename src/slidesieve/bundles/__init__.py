"""Trained models on their way: bundles made, described, sent to a hub, and put to work."""
