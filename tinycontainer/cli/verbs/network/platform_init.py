"""``platform init``: make the database, and add an organisation with an admin."""

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tinycontainer.network.platform.platform_file import PlatformPlan, read_platform_file
from tinycontainer.text import show
from tinycontainer_tokens import Role

from ...options import json_option, path_argument
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say
from .requirements import require_platform

if TYPE_CHECKING:
    from tinycontainer.network.platform.people.bootstrap import NewOrganisation

_MAX_LINE: Final = 1024
_GENERATED_BYTES: Final = 18


@click.command(cls=Verb)
@path_argument("platform_file")
@click.option("--organisation", required=True, help="Name of the organisation.")
@click.option(
    "--roles", required=True, help="Which parties it is, with commas: developer,owner for instance."
)
@click.option("--admin", required=True, help="Name under which its admin logs in.")
@click.option(
    "--password-from-stdin", is_flag=True, help="Read the password from a line of standard input."
)
@json_option
def init(
    platform_file: Path,
    organisation: str,
    roles: str,
    admin: str,
    password_from_stdin: bool,
    as_json: bool,
) -> int:
    """Add an organisation and its admin to the platform of PLATFORM_FILE.

    The database is made if it is not there. Without `--password-from-stdin` a password is
    generated and printed, this once.

    Example: tinycontainerctl platform init platform.toml --organisation acme --roles developer
    --admin ada
    """
    require_platform()
    plan = read_platform_file(platform_file)
    wanted = _read_names(organisation, roles, admin)
    password = _read_password() if password_from_stdin else _generate_password()
    _add(plan, wanted, password)
    shown = "" if password_from_stdin else password
    if as_json:
        print_json({"organisation": organisation, "admin": admin, "password": shown})
        return ExitCode.DONE
    click.echo(f"added {organisation} with its admin {admin}")
    if shown:
        click.echo(f"password, shown this once: {shown}")
    return ExitCode.DONE


def _read_names(organisation: str, roles: str, admin: str) -> "NewOrganisation":
    from tinycontainer.network.platform.people.bootstrap import (  # noqa: PLC0415 - optional
        NewOrganisation,
        is_login_name,
    )

    for option, name in (("--organisation", organisation), ("--admin", admin)):
        if not is_login_name(name):
            problem = "write 1 to 63 of a-z, 0-9, full stop and hyphen"
            raise VerbRefused(f"{option}: {show(name, 80)}: {problem}")
    given = [each.strip() for each in roles.split(",")]
    unknown = [each for each in given if each not in set(Role)]
    if unknown:
        problem = f"is no role; write some of {', '.join(Role)}"
        raise VerbRefused(f"--roles: {show(unknown[0], 80)} {problem}")
    return NewOrganisation(organisation, frozenset(Role(each) for each in given), admin)


def _add(plan: PlatformPlan, wanted: "NewOrganisation", password: str) -> None:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - optional

    from tinycontainer.network.platform.assembly import (  # noqa: PLC0415
        Surroundings,
        make_passwords,
    )
    from tinycontainer.network.platform.database import PlatformDatabase  # noqa: PLC0415
    from tinycontainer.network.platform.people.bootstrap import bootstrap  # noqa: PLC0415
    from tinycontainer.network.platform.refusing import PlatformRefused  # noqa: PLC0415

    around = Surroundings()
    database = PlatformDatabase(plan.database_url)
    try:
        hashed = make_passwords(plan.content.limits, around).hash(password)
        database.migrate()
        with database.transaction() as session:
            bootstrap(session, wanted, hashed, plan.content.limits.people, around.now_s())
    except PlatformRefused as refusal:
        raise VerbRefused(refusal.detail, ExitCode.REFUSED) from None
    except SQLAlchemyError as error:
        problem = "what is in it does not fit together; restore it from a copy"
        raise VerbRefused(f"{database.name}: {problem}") from error
    finally:
        database.close()


def _read_password() -> str:
    if sys.stdin.isatty():
        say("password, and Enter:")
    line = sys.stdin.readline(_MAX_LINE)
    return line.rstrip("\r\n")


def _generate_password() -> str:
    return secrets.token_urlsafe(_GENERATED_BYTES)
