"""Patient-level folds and the check for patients in two parts."""
