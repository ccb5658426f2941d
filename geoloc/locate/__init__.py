"""Locate photos: estimates of drone photos and street photos, result rows, explanations."""
