"""Several parts together, on real brokers."""
