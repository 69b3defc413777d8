"""The seeded bugs, a module for each family of features."""
