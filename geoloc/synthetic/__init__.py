"""Synthetic data: invented towns, their photos and maps, and the demo."""
