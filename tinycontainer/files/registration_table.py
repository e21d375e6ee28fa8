"""The table `agent.registration` of the device file: at which directory a device registers."""

from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.text import show

from .toml_file import Table

_DAY_S: Final = 86_400
_SHOWN_BYTES: Final = 60


def check_directory(text: str) -> str:
    """Return text that is the URI of one server of CoAP, without a path.

    Raises:
        ValueError: it is something else.
    """
    try:
        uri = parse_coap_uri(text)
        is_server = uri.path in ("", "/") and not text.endswith(("?", "#"))
    except ValueError:
        is_server = False
    if not is_server or _is_group(uri.host):
        raise ValueError(
            f"{show(text, _SHOWN_BYTES)} is no gateway such as coap://[::1]:5700, without a path"
        )
    return text


def _is_group(host: str) -> bool:
    try:
        return ip_address(host).is_multicast
    except ValueError:
        return False


class RegistrationTable(Table):
    """The resource directory (RFC 9176) that the device registers with, and when it sleeps."""

    directory: Annotated[str, AfterValidator(check_directory)] = Field(
        description="URI of the gateway, such as coap://[::1]:5700, without a path"
    )
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        description="of the device, as the directory knows it",
    )
    peer: str | None = Field(
        None,
        min_length=1,
        description="name of the peer whose context protects the registration; needed where the"
        " device has peers",
    )
    lifetime_s: int = Field(
        300, ge=20, le=_DAY_S, description="how long a registration holds; renewed before it ends"
    )
    sleep_s: int = Field(
        0, ge=0, le=_DAY_S, description="how long the device cannot be reached; 0: never"
    )
    awake_s: int = Field(
        10,
        ge=1,
        le=3600,
        description="how long it then can, after the last registration or answered request",
    )

    @model_validator(mode="after")
    def _check_times(self) -> "RegistrationTable":
        if self.sleep_s and self.lifetime_s <= self.sleep_s + self.awake_s:
            raise ValueError("lifetime_s: must be more than sleep_s and awake_s together:")
        return self

    @property
    def is_on_loopback(self) -> bool:
        """Whether the directory is surely on this machine."""
        return parse_coap_uri(self.directory).is_loopback
