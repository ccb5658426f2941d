"""The QGIS plugin, and how it gets into a profile of QGIS or into an archive."""
