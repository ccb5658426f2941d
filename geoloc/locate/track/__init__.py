"""Photos of one flight or walk, located together."""
