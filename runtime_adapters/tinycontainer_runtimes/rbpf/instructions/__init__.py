"""The instructions, one file per family; `make_steps` puts a program together from them."""

from .making import make_steps

__all__ = ["make_steps"]
