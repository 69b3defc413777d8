"""Daemons that end and come back."""
