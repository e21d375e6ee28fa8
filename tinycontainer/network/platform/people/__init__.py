"""People: their passwords, sessions and tokens."""
