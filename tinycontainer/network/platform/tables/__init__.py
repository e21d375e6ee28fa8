"""The tables of the database. Whoever imports one of them has all: migrations compare them all."""

from . import catalogue, fleet, people, rollouts

__all__ = ["catalogue", "fleet", "people", "rollouts"]
