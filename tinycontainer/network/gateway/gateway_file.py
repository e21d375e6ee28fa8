"""The gateway's file: where it listens, which devices are its own, and who may do what."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints, field_validator, model_validator

from tinycontainer.errors import DeviceFileError
from tinycontainer.files.toml_file import Table, read_toml, resolve_named
from tinycontainer.interfaces.network.coap_uri import DEFAULT_PORT
from tinycontainer.network.agent.address import Address
from tinycontainer.text import show

DEFAULT_HTTP_PORT: Final = 8090
NAME: Final = r"[A-Za-z0-9._-]{1,63}"
"""Of devices, groups and tokens: fit for a path, a log line and a label, as they are."""

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME}$")]


class TokenVerb(StrEnum):
    """What a token lets its holder do; those of devices are the rights that devices know."""

    READ = "read"
    START = "start"
    STOP = "stop"
    LOAD = "load"
    DELETE = "delete"
    RECONFIGURE = "reconfigure"
    UPDATE = "update"
    IDENTIFY = "identify"
    FORWARD = "forward"
    """Pass on what is protected from end to end, whatever it is."""
    STORE = "store"
    """Give blobs, and take them."""
    MEASURE = "measure"
    """Read the metrics."""


class HttpTable(Table):
    """Where HTTP is served, and how."""

    bind: str = Field(
        f"127.0.0.1:{DEFAULT_HTTP_PORT}",
        min_length=1,
        description="host and port, as in [::1]:8090",
    )
    insecure: bool = Field(
        False,
        description="on a loopback address only: everybody who reaches it may do everything,"
        " without a token",
    )
    certificate: str | None = Field(
        None, min_length=1, description="PEM, for TLS; needed on any but a loopback address"
    )
    key: str | None = Field(None, min_length=1, description="PEM of its private key (mode 0600)")

    @model_validator(mode="after")
    def _check_tls(self) -> "HttpTable":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: go together:")
        return self


class CoapTable(Table):
    """Where devices register over CoAP, and fetch blobs."""

    bind: str = Field(
        f"[::1]:{DEFAULT_PORT}", min_length=1, description="host and port, as in [::1]:5700"
    )
    insecure: bool = Field(
        False,
        description="on a loopback address only: devices that are not listed may register, without"
        " protection",
    )


class GatewayDeviceTable(Table):
    """A device of this gateway."""

    name: Name = Field(description="under which it registers")
    context: str = Field(
        min_length=1,
        description="folder of the gateway's side of the OSCORE context that it shares with this"
        " device (keygen --oscore), within this file's directory",
    )
    groups: list[Name] = Field(default_factory=list, max_length=32)


class TokenTable(Table):
    """Somebody who may ask over HTTP."""

    name: Name = Field(description="of its holder, for the audit")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="of the bearer token (keygen --bearer)"
    )
    verbs: list[TokenVerb] = Field(min_length=1, description="what it lets its holder do")
    groups: list[Name] | None = Field(
        None, min_length=1, description="to devices of which groups; default to all devices"
    )


class LimitsTable(Table):
    """Bounds of the gateway."""

    requests_per_s: float = Field(100, gt=0, le=100_000, description="of each token")
    device_requests_per_s: float = Field(
        50, gt=0, le=100_000, description="that reach one device; what is cached does not"
    )
    answer_s: float = Field(
        20, gt=0, le=300, description="how long a device may take for one answer, or one block"
    )
    cache_ms: int = Field(
        1000, ge=0, le=60_000, description="how long an answer is used again at the most"
    )
    jobs_per_device: int = Field(64, ge=1, le=1024, description="that wait for it")
    jobs: int = Field(10_000, ge=1, le=1_000_000, description="of all devices, ended ones included")
    job_hours: float = Field(
        24, gt=0, le=24 * 90, description="how long a job waits at the most, and is kept after that"
    )
    payload_bytes: int = Field(
        1 << 20, ge=1024, le=64 << 20, description="of a request, and of a blob"
    )
    blob_bytes: int = Field(
        256 << 20, ge=1024, le=1 << 40, description="of all blobs; the oldest make room"
    )
    streams: int = Field(1000, ge=1, le=100_000, description="open ones of all")
    audit_bytes: int = Field(
        64 << 20, ge=4096, le=1 << 40, description="of the audit; then it begins anew, and the"
        " one before is kept beside it",
    )  # fmt: skip


class GatewayFile(Table):
    """All that a gateway's file holds."""

    state: str = Field("gateway.db", min_length=1, description="file of jobs, devices and blobs")
    audit: str | None = Field(
        None, min_length=1, description="file for a line of JSON about each request"
    )
    blobs_from: str | None = Field(
        None,
        min_length=1,
        max_length=2048,
        pattern=r"^https?://[^\s/?#]",
        description="http or https URL that has blobs which are not here, by their SHA-256 in"
        " hexadecimal digits after it",
    )
    http: HttpTable = Field(default_factory=HttpTable)
    coap: CoapTable = Field(default_factory=CoapTable)
    limits: LimitsTable = Field(default_factory=LimitsTable)
    devices: list[GatewayDeviceTable] = Field(default_factory=list)
    tokens: list[TokenTable] = Field(default_factory=list)

    @field_validator("devices", "tokens")
    @classmethod
    def _check_names(cls, tables: list[GatewayDeviceTable] | list[TokenTable]) -> object:
        names = [table.name for table in tables]
        if len(set(names)) < len(names):
            raise ValueError("two have one name")
        return tables

    @field_validator("tokens")
    @classmethod
    def _check_hashes(cls, tokens: list[TokenTable]) -> list[TokenTable]:
        if len({token.sha256 for token in tokens}) < len(tokens):
            raise ValueError("two have one hash; each holder needs a token of its own")
        return tokens

    @model_validator(mode="after")
    def _check_doors(self) -> "GatewayFile":
        if self.http.insecure and self.tokens:
            raise ValueError("http.insecure lets everybody do everything; leave it or tokens out:")
        if not self.http.insecure and not self.tokens:
            raise ValueError(
                "tokens: nobody may ask; write a table [[tokens]] (keygen --bearer), or"
                " insecure = true in [http] to let everybody on this machine:"
            )
        if not self.coap.insecure and not self.devices:
            raise ValueError(
                "devices: no device may register; write a table [[devices]], or insecure = true"
                " in [coap] to let every device on this machine:"
            )
        return self


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """A gateway's file that was read, with what it names.

    Attributes:
        name: of the file, fit to be shown.
        directory: of the file, its links resolved.
        content: what it holds.
        http: where HTTP is served.
        coap: where CoAP is.
    """

    name: str
    directory: Path
    content: GatewayFile
    http: Address
    coap: Address

    def path(self, name: str, place: str) -> Path:
        """A file that the gateway's file names; it lies in the same directory.

        Raises:
            DeviceFileError: it lies elsewhere.
        """
        return resolve_named(self.directory, name, self.name, place)

    def error(self, place: str, problem: str) -> DeviceFileError:
        """An error about a place in the file."""
        return DeviceFileError(self.name, place, problem)


def read_gateway_file(path: Path) -> GatewayPlan:
    """Read a gateway's file, and check all that can be checked without its other files.

    Raises:
        DeviceFileError: it cannot be used.
    """
    content = read_toml(path, GatewayFile)
    name = show(str(path))
    http = _parse_address(name, "http.bind", content.http.bind, DEFAULT_HTTP_PORT)
    coap = _parse_address(name, "coap.bind", content.coap.bind, DEFAULT_PORT)
    plan = GatewayPlan(name, path.resolve().parent, content, http, coap)
    if not http.is_loopback and content.http.insecure:
        problem = f"{http} can be reached from outside, and everybody may do everything; write"
        raise plan.error("http.bind", f"{problem} [[tokens]] instead of insecure")
    if not http.is_loopback and content.http.certificate is None:
        problem = f"{http} can be reached from outside, and tokens would cross the network in clear"
        raise plan.error("http.bind", f"{problem}; write certificate and key in [http]")
    if not coap.is_loopback and content.coap.insecure:
        problem = f"{coap} can be reached from outside, and everybody may register"
        raise plan.error("coap.bind", f"{problem}; leave insecure out, and list the devices")
    return plan


def _parse_address(name: str, place: str, text: str, default_port: int) -> Address:
    try:
        return Address.parse(text, default_port)
    except ValueError as error:
        raise DeviceFileError(name, place, f"{show(text, 80)}: {error}") from None
