"""What a learner looks at: tokens as heat maps, in the notebook, on a page and in the terminal."""
