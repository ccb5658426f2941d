"""Coordinates, cameras and the views that they take; no torch, no files."""
