"""A schema registry for tests: how one is found and started."""
