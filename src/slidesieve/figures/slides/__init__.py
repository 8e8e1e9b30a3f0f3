"""Pages about single slides: what a model saw, what was cut out and why, and where it was wrong."""
