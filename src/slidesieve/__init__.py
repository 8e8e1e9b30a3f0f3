"""SlideSieve: from whole slides to slide-level predictions, keeping the tokens that matter."""

__version__ = "0.1.0"
