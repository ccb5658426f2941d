"""Synthetic data: synthetic towns, their photos and maps, and the demo."""
