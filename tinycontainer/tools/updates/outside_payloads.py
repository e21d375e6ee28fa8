"""Payloads that an envelope does not carry: their files, and the URIs that name them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.suit.drafts import NewVersion

from .sources import UpdateSource


@dataclass(frozen=True, slots=True)
class Placement:
    """Containers of an update, and what a server has to offer for it.

    Attributes:
        versions: the containers, each with the URIs of what the envelope leaves out.
        files: payloads by the name of their file, which is their SHA-256 in hexadecimal digits.
    """

    versions: tuple[NewVersion, ...]
    files: Mapping[str, bytes]


def check_base(text: str) -> str:
    """Return the URI below which payloads lie.

    Raises:
        ValueError: it is no URI of CoAP, or too long.
    """
    parse_coap_uri(text)
    return text.rstrip("/")


def place(sources: Iterable[UpdateSource], base: str | None, *, starts: bool) -> Placement:
    """Decide what the envelope carries: everything, or only sections of no bytes.

    Args:
        sources: the containers.
        base: the URI below which a server offers payloads; None to carry everything.
        starts: whether the device is to start them.
    """
    files: dict[str, bytes] = {}
    versions = []
    for source in sources:
        uris = {}
        for section, content in source.sections.items():
            if base is not None and content:
                name = hashlib.sha256(content).hexdigest()
                files[name] = content
                uris[section] = f"{base}/{name}"
        versions.append(NewVersion(source.uid, source.sections, starts, uris))
    return Placement(tuple(versions), files)
