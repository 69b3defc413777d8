"""The queen: registry of hives and workers, routing and relay of inference, events and metrics."""
