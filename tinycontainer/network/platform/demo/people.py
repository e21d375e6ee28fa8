"""The people of the demo: four organisations with an admin each, whose folder has all secrets."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tinycontainer_tokens import Role

from ..assembly import Surroundings, make_passwords
from ..database import PlatformDatabase
from ..people.bootstrap import NewOrganisation, bootstrap
from ..people.passwords import Passwords
from ..people.secrets import write_session_token
from ..platform_file import PlatformPlan
from .judging import StoryBroken

RunProgram: TypeAlias = Callable[[Sequence[str]], tuple[int, str]]
"""Runs ``tinycontainerctl`` in a process of its own: its exit code, and what it says."""

_PEOPLE: Final = (
    ("ada", "studio", Role.DEVELOPER),
    ("bea", "weather", Role.PROVIDER),
    ("carl", "grid", Role.INFRASTRUCTURE),
    ("dora", "boxes", Role.OWNER),
)
_PASSWORD_BYTES: Final = 18
_PRIVATE_MODE: Final = 0o600
_PRIVATE_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody of the demo, the admin of an organisation.

    Attributes:
        name: under which this one logs in.
        organisation: of which this one is the admin.
        role: of the organisation.
        folder: has the secrets of this one, and nobody else uses it.
    """

    name: str
    organisation: str
    role: Role
    folder: Path

    @property
    def password_file(self) -> Path:
        """The password, in a line."""
        return self.folder / "password"

    @property
    def token_file(self) -> Path:
        """The token for programs, in a line."""
        return self.folder / "api.token"

    @property
    def key_file(self) -> Path:
        """The private key."""
        return self.folder / "keys" / f"{self.role}.pem"

    @property
    def public_file(self) -> Path:
        """The public half of the key."""
        return self.key_file.with_suffix(".pub")

    @property
    def former_key_file(self) -> Path:
        """A private key of before, which only the developer has."""
        return self.folder / "former-keys" / f"{self.role}.pem"

    @property
    def former_public_file(self) -> Path:
        """Its public half."""
        return self.former_key_file.with_suffix(".pub")

    @property
    def history(self) -> Path:
        """What this one has signed before."""
        return self.folder / "signed"


People: TypeAlias = Mapping[Role, DemoPerson]
"""All of the demo."""


def make_people(
    directory: Path, program: RunProgram, random_bytes: Callable[[int], bytes]
) -> dict[Role, DemoPerson]:
    """Make a folder with a password and keys for everybody; each key in a process of its own.

    Args:
        directory: of all folders; it is made, and nothing may be there.
        program: makes keys.
        random_bytes: draws so many unpredictable bytes.

    Raises:
        OSError: a file cannot be written, or is there.
        StoryBroken: keys could not be made.
    """
    directory.mkdir(mode=_PRIVATE_FOLDER_MODE)
    people = {role: DemoPerson(name, of, role, directory / name) for name, of, role in _PEOPLE}
    for each in people.values():
        each.folder.mkdir(mode=_PRIVATE_FOLDER_MODE)
        password = write_session_token(random_bytes(_PASSWORD_BYTES))
        write_private(each.password_file, f"{password}\n".encode())
    wanted = [(each.key_file.parent, each.role) for each in people.values()]
    wanted.append((people[Role.DEVELOPER].former_key_file.parent, Role.DEVELOPER))
    with ThreadPoolExecutor(len(wanted)) as pool:
        for _ in pool.map(lambda each: _make_key(program, *each), wanted):
            pass
    return people


def add_organisations(plan: PlatformPlan, people: People, around: Surroundings) -> None:
    """Make the database of a platform with the organisations and their admins.

    Args:
        plan: of the platform; there is no database yet.
        people: of the demo.
        around: where time and randomness come from.

    Raises:
        PlatformDatabaseError: it cannot be made.
    """
    passwords = make_passwords(plan.content.limits, around)
    database = PlatformDatabase(plan.database_url)
    try:
        database.migrate()
        for each in people.values():
            _add_organisation(database, plan, each, passwords, around.now_s())
    finally:
        database.close()


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can use.

    Raises:
        OSError: it cannot be written, or is there.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _make_key(program: RunProgram, folder: Path, role: Role) -> None:
    code, said = program(("keygen", str(folder), "--role", role.value))
    if code:
        raise StoryBroken(f"the key of the {role} could not be made: {said}")


def _add_organisation(
    database: PlatformDatabase,
    plan: PlatformPlan,
    person: DemoPerson,
    passwords: Passwords,
    now_s: float,
) -> None:
    new = NewOrganisation(person.organisation, frozenset({person.role}), person.name)
    hashed = passwords.hash(person.password_file.read_text().strip())
    with database.transaction() as session:
        bootstrap(session, new, hashed, plan.content.limits.people, now_s)
