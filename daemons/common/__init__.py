"""Parts that all three daemons share: run loop, HTTP, relay, wire forms, error codes, durations, logs, metrics."""
