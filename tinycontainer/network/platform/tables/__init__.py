"""The tables of the database. Whoever imports one of them has all: migrations compare them all."""

from . import catalogue, components, evidence, fleet, people, renting, rollouts

__all__ = ["catalogue", "components", "evidence", "fleet", "people", "renting", "rollouts"]
