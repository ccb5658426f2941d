"""Locate folders of drone and street photos on georeferenced satellite imagery."""

__version__ = "0.1.0"
