"""Tests of newsstream: shell."""
