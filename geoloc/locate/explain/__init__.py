"""Why the network puts a photo and a tile together: numbers, neural maps and one picture."""
