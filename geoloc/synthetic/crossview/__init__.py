"""Synthetic cross-view data: towns with maps, photos from the ground or the air, and pairs.csv."""
