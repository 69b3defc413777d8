"""Worker processes: start, adoption, supervision, stop, restart."""
