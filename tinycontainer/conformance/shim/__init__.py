"""Our own device as an implementation that can be judged."""
