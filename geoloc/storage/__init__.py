"""What is at rest: files that appear whole or not at all, locks, and disks that are full."""
