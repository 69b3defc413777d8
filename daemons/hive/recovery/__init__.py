"""Recovery of a damaged database: detect it, quarantine the file, salvage its rows."""
