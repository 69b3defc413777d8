"""Model files: their catalog, their downloads."""
