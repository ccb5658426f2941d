"""Elevation models -> heights of the ground under a photo."""
