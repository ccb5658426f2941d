"""Locate street photos and panoramas: the network, heading after heading."""
