"""The product: queen, hive and worker, with what they share."""
