"""Published checkpoints become model folders."""
