"""``platform``: serve a web service on which organisations deploy together."""

import click

from .platform_database import backup, restore, verify_audit
from .platform_init import init
from .platform_serve import serve
from .platform_sign import sign


@click.group()
def platform() -> None:
    """Serve a web service on which organisations deploy together.

    `init` makes its database and adds an organisation with an admin; once for each organisation.
    `serve` serves it. `backup` copies its database, `restore` makes it from a copy, and
    `verify-audit` says whether anybody has changed what was noted there. `sign` signs a part of a
    release for one of the four parties, on this machine, and believes nothing that a platform says.
    """


for _verb in (serve, init, backup, restore, verify_audit, sign):
    platform.add_command(_verb)
