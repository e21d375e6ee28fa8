"""How the tables of the platform came about: one step for each version."""
