"""The instructions, one file per family; `make_steps` puts a program together from them."""

from .program import make_steps

__all__ = ["make_steps"]
