"""The demo: a synthetic town, the three commands on it, and a picture of what came out."""
