"""Tests of newsstream: fuzzing, and what it found."""
