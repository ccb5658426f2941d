"""Photos: pixels, and what is known of them from EXIF, XMP, tables and flight logs."""
