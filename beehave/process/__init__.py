"""What runs: processes by identity, who listens, who holds locks, what they use."""
