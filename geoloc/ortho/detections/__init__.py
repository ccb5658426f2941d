"""Detections in photos, as detectors and annotation tools write them."""
