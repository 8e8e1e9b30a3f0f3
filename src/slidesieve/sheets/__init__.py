"""Sample sheets from the tables that public archives hand out."""
