"""Helpers for the tests of WebAssembly."""
