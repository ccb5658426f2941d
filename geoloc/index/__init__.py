"""Tiles become an index: vectors, local features, and the search in them."""
