"""Copies of photos that state where they were taken: new metadata, untouched pixels."""
