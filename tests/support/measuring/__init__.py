"""Measures for benchmarks, and makes the page of their results."""
