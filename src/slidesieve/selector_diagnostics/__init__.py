"""Diagnostics of learned selectors: docs/explanation/selector-diagnostics.md."""
