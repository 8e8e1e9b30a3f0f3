"""Makers of slides, bags, cohorts and clusters that several tests use."""
