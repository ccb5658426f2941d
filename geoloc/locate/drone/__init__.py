"""Locate drone photos: hypotheses, retrieval, voting, verification, posterior."""
