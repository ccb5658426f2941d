"""Models: cards, weights, networks, and what embeds images with them."""
