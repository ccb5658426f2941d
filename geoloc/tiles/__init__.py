"""Rasters become tiles that are square on the ground."""
