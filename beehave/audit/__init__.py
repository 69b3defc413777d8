"""What can be said of features and steps without running them, and how much of what is promised is proven."""
