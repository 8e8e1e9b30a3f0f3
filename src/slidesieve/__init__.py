"""SlideSieve: whole-slide images to slide-level predictions, keeping only the tokens that matter."""

__version__ = "0.1.0"
