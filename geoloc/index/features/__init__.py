"""Local features of the map: keypoints, their descriptors, and signatures of tiles."""
