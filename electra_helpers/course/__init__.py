"""The course around the package: sessions, exercises and their checks, predictions, and what a learner keeps."""
