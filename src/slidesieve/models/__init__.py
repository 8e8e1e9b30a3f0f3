"""A slide classifier: standardise, reduce tokens, aggregate."""
