"""Judging: cases are played against an implementation, and the results are reported."""
