"""``platform``: serve a web service on which organisations deploy together."""

import click

from .platform_database import backup, restore, verify_audit
from .platform_init import init
from .platform_serve import serve


@click.group()
def platform() -> None:
    """Serve a web service on which organisations deploy containers together.

    `init` makes its database and adds an organisation with an admin; once for each organisation.
    `serve` serves it. `backup` copies its database, `restore` makes it from a copy, and
    `verify-audit` says whether anybody has changed what was noted there.
    """


for _verb in (serve, init, backup, restore, verify_audit):
    platform.add_command(_verb)
