"""Features of many slides, with one load of the encoder per job."""
