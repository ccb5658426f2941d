"""Why the network puts a photo and a tile together: numbers, maps and one picture."""
