"""The inference server: one model, its slots, its lease."""
