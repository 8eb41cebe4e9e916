"""The parts of the benchmark; each measures one thing, keeps what it finds, and can be run alone."""
