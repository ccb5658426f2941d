"""Calibration: photos whose place is known teach what the evidence for an answer is worth."""
