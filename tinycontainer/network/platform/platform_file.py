"""The platform's file: where it listens, where its database is, and its bounds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator, model_validator

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import Table, read_toml, resolve_named
from tinycontainer.interfaces.network.http_uri import parse_http_uri
from tinycontainer.text import show

from ..agent.address import Address
from ..gateway.gateway_file import Name

DEFAULT_HTTP_PORT: Final = 8080
SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = "postgresql+psycopg://"


class WebTable(Table):
    """Where HTTP is served, and how."""

    bind: str = Field(
        f"127.0.0.1:{DEFAULT_HTTP_PORT}",
        min_length=1,
        description="host and port, as in [::1]:8080",
    )
    certificate: str | None = Field(
        None, min_length=1, description="PEM, for TLS; needed on any but a loopback address"
    )
    key: str | None = Field(None, min_length=1, description="PEM of its private key (mode 0600)")
    behind_proxy: bool = Field(
        False,
        description="on a loopback address only: a proxy on this machine ends TLS and adds the"
        " client's address to X-Forwarded-For",
    )
    insecure: bool = Field(
        False,
        description="serve without TLS on an address that others reach: passwords cross the"
        " network in clear",
    )
    sign_in_page: bool = Field(
        False,
        description="let pages sign with a key that a person chooses; needs TLS or a loopback"
        " address, and trusts the page as `platform sign` does not",
    )

    @model_validator(mode="after")
    def _check_tls(self) -> "WebTable":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: go together:")
        if self.behind_proxy and self.certificate is not None:
            raise ValueError("behind_proxy: it is the proxy that has the certificate; leave one:")
        return self

    @property
    def has_safe_cookies(self) -> bool:
        """Whether browsers reach it over TLS only."""
        return self.certificate is not None or self.behind_proxy


class DatabaseTable(Table):
    """What the platform remembers."""

    url: str = Field(
        f"{SQLITE}platform.db",
        description="sqlite:///FILE in the directory of this file, or postgresql+psycopg://...",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        # The message says nothing of it: it can hold a password.
        if not url.startswith((SQLITE, POSTGRESQL)) or url == SQLITE:
            raise ValueError(f"write {SQLITE}FILE or {POSTGRESQL}USER@HOST/NAME")
        return url


class GatewayOfPlatform(Table):
    """A gateway through which devices are reached; only the platform's file can name one."""

    name: Name
    organisation: str = Field(
        min_length=1, max_length=63, description="the infrastructure whose devices are behind it"
    )
    uri: str = Field(description="https://..., or http://... on this machine")
    token: str = Field(
        min_length=1, description="file with a bearer token of the gateway (mode 0600)"
    )
    ca: str | None = Field(
        None, min_length=1, description="PEM of authorities; by default those of this system"
    )

    @field_validator("uri")
    @classmethod
    def _check_uri(cls, uri: str) -> str:
        found = parse_http_uri(uri)
        if found.scheme == "http" and not found.is_loopback:
            raise ValueError("the token would cross the network in clear; write https:")
        if found.path.strip("/"):
            raise ValueError("names a path; leave it out:")
        return uri


class PlatformLimits(Table):
    """Bounds of the platform."""

    session_hours: float = Field(12, gt=0, le=24 * 30, description="until one logs in again")
    sessions: int = Field(
        16, ge=1, le=1000, description="of one person; the one that ends first makes room"
    )
    requests_per_s: float = Field(50, gt=0, le=100_000, description="of each person")
    payload_bytes: int = Field(4 << 20, ge=1024, le=64 << 20, description="of one payload")
    bodies_bytes: int = Field(
        256 << 20, ge=1 << 20, le=1 << 40, description="of all requests that are being read"
    )
    people: int = Field(1000, ge=1, le=1_000_000, description="of one organisation")
    tokens: int = Field(50, ge=1, le=1000, description="of one person")
    token_days: float = Field(365, gt=0, le=3650, description="how long a token may be good")
    deliveries: int = Field(
        4, ge=1, le=64, description="jobs on devices that are worked on at the same time"
    )
    lease_s: float = Field(
        180, ge=1, le=3600, description="after which a job of a platform that was killed goes on"
    )
    look_s: float = Field(
        300, ge=1, le=86_400, description="after which a device is asked again what it runs"
    )
    hashes: int = Field(
        2, ge=1, le=64, description="passwords that are hashed at once; 64 MiB each"
    )


class PlatformFile(Table):
    """All that a platform's file holds."""

    http: WebTable = Field(default_factory=WebTable)
    database: DatabaseTable = Field(default_factory=DatabaseTable)
    limits: PlatformLimits = Field(default_factory=PlatformLimits)
    gateways: list[GatewayOfPlatform] = Field(default_factory=list, max_length=1000)

    @field_validator("gateways")
    @classmethod
    def _check_gateways(cls, gateways: list[GatewayOfPlatform]) -> list[GatewayOfPlatform]:
        names = [each.name for each in gateways]
        if len(names) != len(set(names)):
            raise ValueError("two have the same name; rename one:")
        return gateways


@dataclass(frozen=True, slots=True)
class PlatformPlan:
    """A platform's file that was read, with what it names.

    Attributes:
        name: of the file, fit to be shown.
        directory: of the file, its links resolved.
        content: what it holds.
        http: where HTTP is served.
        database_url: of the database; the path of a file is absolute.
    """

    name: str
    directory: Path
    content: PlatformFile
    http: Address
    database_url: str

    @property
    def web_uri(self) -> str:
        """Where it is served, as a URI."""
        scheme = "http" if self.content.http.certificate is None else "https"
        return f"{scheme}://{self.http}"

    def path(self, name: str, place: str) -> Path:
        """A file that the platform's file names; it lies in the same directory.

        Raises:
            DeviceFileError: it lies elsewhere.
        """
        return resolve_named(self.directory, name, self.name, place)

    def error(self, place: str, problem: str) -> DeviceFileError:
        """An error about a place in the file."""
        return DeviceFileError(self.name, place, problem)


def read_platform_file(path: Path) -> PlatformPlan:
    """Read a platform's file, and check all that can be checked without its other files.

    Raises:
        DeviceFileError: it cannot be used.
    """
    content = read_toml(path, PlatformFile)
    name = show(str(path))
    directory = path.resolve().parent
    url = content.database.url
    if url.startswith(SQLITE):
        file = resolve_named(directory, url.removeprefix(SQLITE), name, "database.url")
        url = f"{SQLITE}{file}"
    plan = PlatformPlan(name, directory, content, _parse_address(name, content.http.bind), url)
    _check_door(plan)
    return plan


def _parse_address(name: str, text: str) -> Address:
    try:
        return Address.parse(text, DEFAULT_HTTP_PORT)
    except ValueError as error:
        raise DeviceFileError(name, "http.bind", f"{show(text, 80)}: {error}") from None


def _check_door(plan: PlatformPlan) -> None:
    http = plan.content.http
    if plan.http.is_loopback:
        return
    if http.behind_proxy:
        problem = f"{plan.http} can be reached around the proxy; bind a loopback address"
        raise plan.error("http.bind", problem)
    if http.certificate is None and not http.insecure:
        problem = f"{plan.http} can be reached from outside, and passwords would cross the network"
        raise plan.error("http.bind", f"{problem} in clear; write certificate and key in [http]")
    if http.sign_in_page and http.certificate is None:
        problem = f"{plan.http} can be reached without TLS, and then any network can change pages"
        raise plan.error("http.sign_in_page", f"{problem}; write certificate and key in [http]")
