"""Opening slides and reading pixels."""
