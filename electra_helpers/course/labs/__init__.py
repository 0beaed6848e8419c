"""What the notebooks experiment with: short runs, exams, bands of recorded seeds, one file an act."""
