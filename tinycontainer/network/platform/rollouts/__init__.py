"""Rollouts in the database: which device is told what and when, and what has come of it."""
