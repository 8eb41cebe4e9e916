"""Tests of newsstream: properties."""
