"""The figures that the service says of itself."""
