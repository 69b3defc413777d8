"""What this machine lets a run do."""
