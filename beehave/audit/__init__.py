"""Static checks of features and steps: nothing is run."""
