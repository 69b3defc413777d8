"""Load with latency bounds."""
