"""Measuring a model on a cross-view data set, as its authors measure, beside what was published."""
