"""Slide question answering: questions, what answers them, and how good the answers are."""
