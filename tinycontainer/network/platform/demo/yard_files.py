"""All files of the yard: of the gateway, and of each box a folder that can be served by hand."""

import os
import re
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from tinycontainer.interfaces.network.security_context import make_security_contexts
from tinycontainer.text import show
from tinycontainer_tokens import KeyMaterial, Role
from tinycontainer_tokens.key_files import to_pem, to_public_pem

from .box_file import EVIDENCE, RECORDINGS, RIGHTS, write_box_file
from .ports import HOST, YardPorts

GROUP: Final = "boxes"
"""Of all boxes, at the gateway."""
HOLDER: Final = "platform"
"""Of the gateway's token."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TOKEN_BYTES: Final = 32
_KEY_BYTES: Final = 32
_PRIVATE_MODE: Final = 0o600
_PUBLIC_MODE: Final = 0o644
_PRIVATE_FOLDER_MODE: Final = 0o700
_CONTEXTS: Final = "contexts"
_GATEWAY: Final = """\
# The gateway of the demo: `tinycontainerctl gateway` serves it from here.

audit = "audit.jsonl"

[http]
bind = "{host}:{http}"

[coap]
bind = "{host}:{coap}"

[[tokens]]
name = "{holder}"
sha256 = "{sha256}"
verbs = [{verbs}]
groups = ["{group}"]
"""
_DEVICE: Final = """
[[devices]]
name = "{name}"
context = "{contexts}/{name}"
groups = ["{group}"]
"""


@dataclass(frozen=True, slots=True)
class YardFiles:
    """The files of a yard.

    Attributes:
        directory: has all of them.
        names: of the boxes.
        ports: where all is served.
    """

    directory: Path
    names: tuple[str, ...]
    ports: YardPorts

    @property
    def gateway_file(self) -> Path:
        """The gateway's file."""
        return self.directory / "gateway.toml"

    @property
    def token_file(self) -> Path:
        """The platform's bearer token at the gateway; only its owner can read it."""
        return self.directory / "gateway.token"

    @property
    def gateway_uri(self) -> str:
        """Where the gateway answers HTTP."""
        return f"http://{HOST}:{self.ports.http}"

    def device_file(self, name: str) -> Path:
        """The device file of a box."""
        return self.directory / name / "device.toml"

    def evidence_file(self, name: str) -> Path:
        """The private key by which a box signs what has happened on it; only the box has it."""
        return self.directory / name / EVIDENCE

    def evidence_public_file(self, name: str) -> Path:
        """Its public half, for whoever checks what the box has signed."""
        return self.evidence_file(name).with_suffix(".pub")


def make_yard(
    directory: Path,
    public_keys: Mapping[str, Mapping[Role, bytes]],
    ports: YardPorts,
    random_bytes: Callable[[int], bytes],
) -> YardFiles:
    """Make all files of a yard.

    Args:
        directory: is made; nothing may be there.
        public_keys: in PEM by role, for each box by its name; a box believes no others. Names are
            what a gateway takes: 1 to 63 letters, digits, dots, underscores and hyphens.
        ports: where all is served; as many as there are boxes.
        random_bytes: draws so many unpredictable bytes.

    Raises:
        ValueError: a name is none, or there are not as many ports as boxes.
        OSError: a file cannot be written, or is there; then nothing is left.
    """
    for name in public_keys:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{show(name, 80)} is no name of a box")
    if len(ports.boxes) != len(public_keys):
        raise ValueError(f"{len(ports.boxes)} ports for {len(public_keys)} boxes")
    directory.mkdir(mode=_PRIVATE_FOLDER_MODE)
    made = YardFiles(directory, tuple(public_keys), ports)
    try:
        _write_boxes(made, public_keys, random_bytes)
        _write_gateway(made, random_bytes)
    except BaseException:  # a yard without all its files would only confuse
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return made


def _write_boxes(
    made: YardFiles,
    public_keys: Mapping[str, Mapping[Role, bytes]],
    random_bytes: Callable[[int], bytes],
) -> None:
    contexts = made.directory / _CONTEXTS
    contexts.mkdir(mode=_PRIVATE_FOLDER_MODE)
    for (name, keys), port in zip(public_keys.items(), made.ports.boxes, strict=True):
        folder = made.directory / name
        folder.mkdir()
        text = write_box_file(name, keys, port, made.ports.coap)
        _write(made.device_file(name), text.encode(), _PUBLIC_MODE)
        _write_evidence_key(made, name, random_bytes)
        _write_keys(folder / "keys", keys)
        _write_recordings(folder / "recordings")
        sides = make_security_contexts(random_bytes)
        _write_context(folder / "gateway", sides["device"])
        _write_context(contexts / name, sides["operator"])


def _write_gateway(made: YardFiles, random_bytes: Callable[[int], bytes]) -> None:
    token = urlsafe_b64encode(random_bytes(_TOKEN_BYTES)).rstrip(b"=")
    _write(made.token_file, token + b"\n", _PRIVATE_MODE)
    _write(made.gateway_file, _gateway_text(made, token).encode(), _PUBLIC_MODE)


def _gateway_text(made: YardFiles, token: bytes) -> str:
    text = _GATEWAY.format(
        host=HOST,
        http=made.ports.http,
        coap=made.ports.coap,
        holder=HOLDER,
        sha256=sha256(token).hexdigest(),
        verbs=", ".join(f'"{verb}"' for verb in (*RIGHTS, "store")),
        group=GROUP,
    )
    devices = (_DEVICE.format(name=name, contexts=_CONTEXTS, group=GROUP) for name in made.names)
    return text + "".join(devices)


def _write_evidence_key(made: YardFiles, name: str, random_bytes: Callable[[int], bytes]) -> None:
    key = KeyMaterial.from_private(random_bytes(_KEY_BYTES))
    _write(made.evidence_file(name), to_pem(key), _PRIVATE_MODE)
    _write(made.evidence_public_file(name), to_public_pem(key), _PUBLIC_MODE)


def _write_keys(folder: Path, keys: Mapping[Role, bytes]) -> None:
    folder.mkdir()
    for role, key in keys.items():
        _write(folder / f"{role}.pub", key, _PUBLIC_MODE)


def _write_recordings(folder: Path) -> None:
    folder.mkdir()
    source = files("tinycontainer_examples") / "smartdronebox" / "recordings"
    for name in RECORDINGS:
        _write(folder / f"{name}.csv", (source / f"{name}.csv").read_bytes(), _PUBLIC_MODE)


def _write_context(folder: Path, side: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=_PRIVATE_FOLDER_MODE)
    for name, content in side.items():
        _write(folder / name, content, _PRIVATE_MODE)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a new file; nobody else could ever read a private one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
