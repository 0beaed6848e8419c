"""Data cleaning: the task, the words that look wrong, cells of tables, corrected copies, and how well a model judges."""
