"""Requests and answers as values, and what bounds them, without a network."""
