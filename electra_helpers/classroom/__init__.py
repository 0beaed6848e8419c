"""For whoever teaches with the notebooks: grading, marked variants, handouts, links to a copy of the course."""
