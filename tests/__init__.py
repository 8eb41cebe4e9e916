"""The tests: `test_<module>.py` mirrors `stream/`, and the folders hold what is larger than a module."""
