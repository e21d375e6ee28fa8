"""The table `update` of the device file: which updates a device takes, and from whom."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator, model_validator

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer.suit.rules import is_uuid
from tinycontainer.text import show

from .fields import Uid
from .toml_file import Table

_MAX_ORIGINS: Final = 16
_MAX_NAME_CHARACTERS: Final = 253
_SHOWN_BYTES: Final = 60
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)+{_LABEL}")
_NEARLY_UUID: Final = re.compile(r"\{?[0-9A-Fa-f-]{30,40}\}?|urn:uuid:.*", re.IGNORECASE)


def check_vendor(text: str) -> str:
    """Return text that names a vendor.

    A domain is in small letters: an identifier is derived from its bytes, and `Example.com` would
    be another vendor than `example.com`.

    Raises:
        ValueError: it is neither a UUID nor a domain name with a dot.
    """
    if not is_uuid(text) and _DOMAIN.fullmatch(text) is None:
        raise ValueError(
            f"{show(text, _SHOWN_BYTES)} is neither a domain name in small letters, such as"
            " example.com, nor a UUID"
        )
    return text


def check_class(text: str) -> str:
    """Return text that names a class of devices.

    Raises:
        ValueError: it looks like a UUID, and is none.
    """
    if not is_uuid(text) and _NEARLY_UUID.fullmatch(text):
        raise ValueError(f"{show(text, _SHOWN_BYTES)} looks like a UUID, and is none")
    return text


def check_origin(text: str) -> str:
    """Return text that is a server of CoAP, without a resource.

    Raises:
        ValueError: it is something else.
    """
    try:
        is_server = parse_coap_uri(text).path == "" and not text.endswith(("?", "#"))
    except ValueError:
        is_server = False
    if not is_server:
        raise ValueError(
            f"{show(text, _SHOWN_BYTES)} is no server such as coap://[2001:db8::7]:5683, without a"
            " path"
        )
    return text


NameText = Annotated[str, Field(min_length=1, max_length=_MAX_NAME_CHARACTERS)]


class UpdateKeyTable(Table):
    """A key of somebody who may update containers."""

    file: str = Field(description="PEM or COSE_Key, within the device file's directory")
    algorithm: UpdateAlgorithm | None = Field(
        None, description="the only one that updates of the key may name; default what it is for"
    )
    uids: list[Uid] | None = Field(
        None, min_length=1, description="containers it may update; default all"
    )


class UpdateTable(Table):
    """Which updates the device takes."""

    vendor: Annotated[NameText, AfterValidator(check_vendor)] | None = Field(
        None, description="domain of the maker, or a UUID; by default the device's vendor"
    )
    class_name: Annotated[NameText, AfterValidator(check_class)] | None = Field(
        None,
        alias="class",
        description="what kind of device it is, or a UUID; by default the device's name",
    )
    fetch: list[Annotated[str, AfterValidator(check_origin)]] = Field(
        default_factory=list,
        max_length=_MAX_ORIGINS,
        description="servers that payloads may be fetched from, as in coap://[2001:db8::7]:5683;"
        " none by default",
    )
    keys: list[UpdateKeyTable] = Field(default_factory=list)

    @field_validator("fetch")
    @classmethod
    def _check_servers(cls, servers: list[str]) -> list[str]:
        if len({parse_coap_uri(server).origin for server in servers}) < len(servers):
            raise ValueError("one server is there twice")
        return servers

    @model_validator(mode="after")
    def _check_effect(self) -> "UpdateTable":
        if self.model_fields_set and not self.keys:
            raise ValueError("without [[update.keys]] no update is taken; name a key")
        return self
