"""The `slidesieve` command."""
