"""``suit``: make, sign, check and open secure updates (SUIT envelopes)."""

import click

from .suit_create import create
from .suit_extract import extract
from .suit_inspect import inspect
from .suit_sign import sign
from .suit_verify import verify


@click.group()
def suit() -> None:
    """Make, sign, check and open secure updates: SUIT envelopes that bring containers to devices.

    `create` makes an envelope of bundles, `sign` signs it with a key that `keygen --update` has
    made, `verify` says whether a device would take it, `inspect` shows every byte, and `extract`
    gives the bundles back.
    """


for _verb in (create, sign, verify, inspect, extract):
    suit.add_command(_verb)
