"""What people have as a map: files, archives, tile servers, WMS, WMTS, STAC; for GDAL to open."""
