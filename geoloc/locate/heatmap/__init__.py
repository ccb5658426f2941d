"""Maps of how likely a photo was taken where."""
