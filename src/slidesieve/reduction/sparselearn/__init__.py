"""SparseLearn: a learned selector that keeps the k best tokens of a slide."""
