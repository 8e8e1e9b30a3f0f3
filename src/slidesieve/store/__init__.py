"""Every file contract of results/: written atomically, read and checked here and nowhere else."""
