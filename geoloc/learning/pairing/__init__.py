"""From geotagged photos and a map to pairs that a network can learn from."""
