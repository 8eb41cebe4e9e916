"""newsstream: streaming enrichment of news on Kafka."""

__version__ = "0.1.0"
