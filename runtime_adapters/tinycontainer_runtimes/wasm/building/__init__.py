"""Makes signed code of a module that a compiler has linked, and debug information beside it."""
