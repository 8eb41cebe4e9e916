"""Tests of newsstream: entities."""
