"""Fabricated cross-view data: towns with maps, photos from the ground or the air, and pairs.csv."""

from geoloc.fabricate.crossview import Fabricated, fabricate_crossview
from geoloc.fabricate.order import CrossViewOrder, PhotoKind

__all__ = ["CrossViewOrder", "Fabricated", "PhotoKind", "fabricate_crossview"]
