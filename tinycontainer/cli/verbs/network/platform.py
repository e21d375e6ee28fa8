"""``platform``: serve a web service on which organisations deploy together."""

import click

from .platform_database import backup, restore, verify_audit
from .platform_demo import demo
from .platform_evidence import evidence
from .platform_init import init
from .platform_serve import serve
from .platform_sign import sign
from .platform_withdraw import withdraw


@click.group()
def platform() -> None:
    """Serve a web service on which organisations deploy together.

    `demo` shows all of it on this machine. `init` makes a database and adds an organisation with an
    admin; once for each organisation. `serve` serves it. `backup` copies its database, `restore`
    makes it from a copy, and `verify-audit` says whether anybody has changed what was noted there.
    `sign` signs a part of a release for one of the four parties, on this machine, and believes
    nothing that a platform says; `withdraw` signs in the same way that an owner takes back every
    right of a container. `evidence` checks on this machine what a device has signed.
    """


for _verb in (serve, init, demo, backup, restore, verify_audit, sign, withdraw, evidence):
    platform.add_command(_verb)
