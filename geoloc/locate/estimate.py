"""Constants that the posteriors of drone and street photos share: map error, radii, modes."""

from __future__ import annotations

# What no photo can tell: how well the map itself lies. One measured city map was off
# by 5 to 24 m against GPS.
MAP_SD_M = 8.0
# Radii of a circular normal distribution in standard deviations (Rayleigh), 90 % and 95 %.
RAYLEIGH_90 = 2.146
RAYLEIGH_95 = 2.448
# A place with so much of the probability or more is a mode: it competes with the best one.
COMPETES = 0.05
# An estimate this probable ends the search: later stages of hypotheses are not tried.
SURE = 0.97
