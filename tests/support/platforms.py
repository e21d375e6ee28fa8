"""A platform in this process, with an organisation for each party and a client for each."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from support.direct_transport import DirectTransport
from tinycontainer.network.platform.actor import PersonRight
from tinycontainer.network.platform.assembly import Surroundings, assemble
from tinycontainer.network.platform.database import PlatformDatabase
from tinycontainer.network.platform.people.organisation import (
    NewPerson,
    add_organisation,
    add_person,
)
from tinycontainer.network.platform.people.passwords import PasswordCost
from tinycontainer.network.platform.platform_file import PlatformLimits, WebTable
from tinycontainer.network.platform.web.application import create_application
from tinycontainer.network.platform.web.parts import PlatformParts
from tinycontainer_tokens import Role

with warnings.catch_warnings():  # it wants another library, which nothing else here needs
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    from starlette.testclient import TestClient

ORGANISATIONS: Final = {
    "dev": Role.DEVELOPER,
    "data": Role.PROVIDER,
    "infra": Role.INFRASTRUCTURE,
    "boxes": Role.OWNER,
}
"""Name and role of each; its admin is called ``NAME-admin``."""
PASSWORD: Final = "correct horse battery"
CHEAP: Final = PasswordCost(passes=1, memory_kib=8, lanes=1)
BEGIN_S: Final = 1_800_000_000.0


@dataclass(slots=True)
class Clock:
    """Time that goes on when a test says so; as a function it gives Unix time."""

    at_s: float = BEGIN_S

    def __call__(self) -> float:
        return self.at_s


@dataclass(slots=True)
class Platform:
    """A platform in this process.

    Attributes:
        application: its resources.
        parts: what they work on.
        clock: its time.
        passwords: of each person.
    """

    application: FastAPI
    parts: PlatformParts
    clock: Clock
    _opened: ExitStack
    _clients: dict[str, TestClient] = field(default_factory=dict)

    @property
    def database(self) -> PlatformDatabase:
        """What it remembers."""
        return self.parts.database

    def client(self, organisation: str) -> TestClient:
        """A client that the admin of an organisation has logged in with."""
        if organisation not in self._clients:
            self._clients[organisation] = self.log_in(f"{organisation}-admin")
        return self._clients[organisation]

    def anonymous(self, address: str = "192.0.2.1") -> TestClient:
        """A client that nobody has logged in with."""
        client = TestClient(
            self.application, raise_server_exceptions=False, client=(address, 50000)
        )
        return self._opened.enter_context(client)

    def direct(self) -> httpx.Client:
        """Another one, for very many requests."""
        transport = DirectTransport(self.application, "192.0.2.1")
        client = httpx.Client(transport=transport, base_url="http://testserver")
        return self._opened.enter_context(client)

    def log_in(self, name: str, password: str = PASSWORD, address: str = "192.0.2.1") -> TestClient:
        """A client that somebody has logged in with; it sends its ``X-CSRF-Token``."""
        client = self.anonymous(address)
        found = client.post("/api/session", json={"name": name, "password": password})
        assert found.status_code == 201, found.text
        client.headers["X-CSRF-Token"] = found.json()["csrf"]
        return client

    def add_person(self, organisation: str, name: str, right: PersonRight) -> TestClient:
        """A client of somebody who is added to an organisation."""
        body = {"name": name, "password": PASSWORD, "right": right.value}
        found = self.client(organisation).post("/api/people", json=body)
        assert found.status_code == 201, found.text
        return self.log_in(name)

    def token(self, client: TestClient, *scopes: str, **more: Any) -> dict[str, str]:
        """The header of a new token of whoever has logged in with a client."""
        body = {"name": "program", "scopes": list(scopes), **more}
        found = client.post("/api/tokens", json=body)
        assert found.status_code == 201, found.text
        return {"Authorization": f"Bearer {found.json()['token']}"}


@contextmanager
def made_platform(
    directory: Path,
    *,
    http: WebTable | None = None,
    url: str = "",
    gateways: Mapping[str, str] | None = None,
    begin_s: float = BEGIN_S,
    **limits: Any,
) -> Iterator[Platform]:
    """A platform with four organisations and an admin in each, until the block is left.

    Args:
        directory: where its database lies.
        http: of its file.
        url: of another database, which is empty.
        gateways: the organisation of each gateway, by their names.
        begin_s: its time, in Unix seconds.
        limits: that are not the default ones.
    """
    clock = Clock(begin_s)
    around = Surroundings(now_s=clock, monotonic_s=clock, password_cost=CHEAP)
    file = directory / "platform.db"
    database = PlatformDatabase(url or f"sqlite:///{file}")
    with ExitStack() as opened:
        opened.callback(database.close)
        if url:
            database.migrate()
        else:
            file.write_bytes(_migrated())
            file.chmod(0o600)
        bounds = PlatformLimits(**{"requests_per_s": 10_000, **limits})
        parts = assemble(database, http or WebTable(), bounds, around, gateways or {})
        hashed = parts.passwords.hash(PASSWORD)
        with database.transaction() as session:
            for name, role in ORGANISATIONS.items():
                organisation = add_organisation(session, name, [role], clock())
                new = NewPerson(f"{name}-admin", hashed, PersonRight.ADMIN)
                add_person(session, organisation, new, bounds.people, clock())
        yield Platform(create_application(parts), parts, clock, opened)


@cache
def _migrated() -> bytes:
    """A database with all tables and no rows, made once: every platform begins with a copy."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "platform.db"
        with closing(PlatformDatabase(f"sqlite:///{file}")) as database:
            database.migrate()
        return file.read_bytes()


def empty_database(url: str) -> None:
    """Drop all that is in a database of PostgreSQL."""
    with closing(PlatformDatabase(url)) as used, used.transaction() as session:
        session.execute(text("DROP SCHEMA public CASCADE"))
        session.execute(text("CREATE SCHEMA public"))


def problem_of(answer: httpx.Response, status: int) -> str:
    """The detail of a refusal, which is a problem of RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found.keys() == {"type", "title", "status", "detail"}
    assert found["status"] == status
    detail = found["detail"]
    assert isinstance(detail, str)
    assert "\n" not in detail
    assert detail
    return detail
