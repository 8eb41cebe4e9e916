"""Brokers for tests: how one is found, started and asked."""
