"""What ELECTRA is used for, one file per use."""
