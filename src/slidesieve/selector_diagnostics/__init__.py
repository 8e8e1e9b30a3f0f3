"""What a learned selector does when it stops being soft: the audit of docs/sparselearn.md."""
