"""Aggregators: tokens to slide logits."""
