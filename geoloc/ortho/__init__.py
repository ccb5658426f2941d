"""Photos and the ground: each photo as a map of its own, and things seen in photos as places."""
