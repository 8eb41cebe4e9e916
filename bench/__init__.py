"""How fast newsstream is, beside others that could do the same: ratios, measured in one run (``make bench``)."""
