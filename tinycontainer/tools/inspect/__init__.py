"""Every byte of a file: its offset, its notation, its meaning. Nothing is verified."""
