"""Tests of newsstream: contracts."""
