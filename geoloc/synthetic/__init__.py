"""Synthetic data: towns, their photos and maps, and the demo.

The wing is shipped: it is 0.6 % of the wheel (66 kB, the bundled models are 9.7 MB), and `geoloc
demo` is the first thing that a user types after installing. Only `demo` and `fabricate` load it.
"""
