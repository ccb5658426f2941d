"""Results: the schema of a row, files in every format, evaluation against the truth."""
