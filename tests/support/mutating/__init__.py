"""Mutants: the smallest changes of a module's source, and whether a test notices one."""
