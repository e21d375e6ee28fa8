"""What is installed, for the verbs that need it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from tinycontainer.assembly import Installation


def with_installation(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the installation, as its first argument.

    It is the one that `main` was called with, or else a new one, which is closed after the verb.
    """

    @wraps(command)
    def with_it(*arguments: Any, **options: Any) -> Any:
        given = click.get_current_context().find_object(Installation)
        if given is not None:
            return command(given, *arguments, **options)
        with Installation() as own:
            return command(own, *arguments, **options)

    return with_it
