"""Requests through all tiers."""
