"""A platform in an attacker's hands asks a real device through a real gateway.

After each of its requests it is read from the device's own state what is loaded.
"""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from support.gateways import Gateway, wait_until
from support.project import Program
from support.serving import MANIFEST
from support.wasm.modules import loop
from support.yards import Yard, make_yard, wait_for

from tinycontainer.metadata import Bundle, decode, encode

pytest.importorskip("starlette")
pytest.importorskip("aiocoap")
BOX = "/devices/box/tc/c/626f78"
OCTETS = {"Content-Type": "application/octet-stream"}
CBOR = {"Content-Type": "application/cbor"}
ANY = {**OCTETS, "If-Match": "*"}


class Parties:
    """The four parties of a yard, and four of whom its device knows nothing."""

    def __init__(self, yard: Yard, program: Program) -> None:
        self._desk, self._program = yard.root / "desk", program
        program.good("keygen", self._desk / "strangers")

    def bundle(self, sequence: int, keys: str = "keys") -> Bundle:
        """A version of the container box, whose code is its own."""
        source, out = self._desk / "next", self._desk / "next.tcb"
        source.mkdir(exist_ok=True)
        (source / "box.wasm").write_bytes(loop(f"(drop (i32.const {sequence})) i32.const 0"))
        text = MANIFEST.format(uid="box") + f"[tokens]\nsequence = {sequence}\n"
        (source / "container.toml").write_text(text)
        words = ("pack", source, "--keys", self._desk / keys, "-o", out, "--force")
        self._program.good(*words)
        return Bundle.decode(out.read_bytes(), 1 << 20)

    def mask(
        self, sequence: int, calls: str = "none", uid: str = "box", keys: str = "keys"
    ) -> bytes:
        """A mask of the owner alone."""
        out = self._desk / "mask.cwt"
        signed = ("--uid", uid, "--key", self._desk / keys / "owner.pem", "--sequence", sequence)
        self._program.good("sign", "mask", "--calls", calls, *signed, "-o", out, "--force")
        return out.read_bytes()


class Attacker:
    """Whoever has the platform; what is loaded is looked up in the state of the device.

    Attributes:
        wanted: SHA-256 of each bundle that the device has by right.
    """

    def __init__(self, gateway: Gateway, program: Program, state: Path) -> None:
        self._gateway, self._program, self._state = gateway, program, state
        self.wanted: set[str] = set()

    def ask(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> int:
        """Ask the device: the status that is answered."""
        answer = self._gateway.ask(method, path, content=content, headers=headers)
        if answer.status_code >= 400:
            assert answer.json()["type"].startswith("urn:tinycontainer:problem:")
            assert answer.json()["detail"].isprintable()
        return answer.status_code

    def holds(self) -> set[str]:
        """SHA-256 of each bundle that the device has."""
        found = self._program.json("state", self._state)["containers"]
        return {each["bundle_sha256"] for each in found}

    def fail(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> None:
        """Ask for what must be refused, and must leave the device as it is."""
        assert 400 <= self.ask(method, path, content, headers) < 500
        assert self.holds() == self.wanted

    def fail_to_load(self, bundle: Bundle) -> None:
        """Try to load in each way."""
        raw = bundle.encode()
        self.fail("PUT", BOX, raw, OCTETS)
        self.fail("PUT", f"{BOX}?confirm=1000" if self.wanted else BOX, raw, ANY)
        self.ask("PUT", f"{BOX}/m", bundle.metadata, CBOR)  # perhaps those that it has already
        assert self.holds() == self.wanted


def digest(bundle: Bundle) -> str:
    return sha256(bundle.encode()).hexdigest()


def stripped(bundle: Bundle) -> Bundle:
    """A bundle without a mask token."""
    found = decode(bundle.metadata)
    container = replace(found.container, syscall_mask_token=b"")
    return replace(bundle, metadata=encode(container, found.endpoints, found.security))


@pytest.mark.clause("TC-TOK-18", "TC-TOK-33", "TC-LOAD-19", "TC-MGMT-20")
def test_through_a_gateway_nothing_comes_back_and_nothing_comes_unsigned(
    tmp_path: Path, program: Program
) -> None:
    yard = make_yard(tmp_path, program, ("box",))
    parties = Parties(yard, program)
    first, second, fourth = (parties.bundle(number) for number in (1, 2, 4))
    withdrawal = parties.mask(3)
    unsigned = (
        replace(second, code=first.code),
        replace(second, metadata=first.metadata),
        replace(first, metadata=second.metadata),
        replace(second, data=b"other"),
        stripped(second),
        parties.bundle(9, "strangers"),
    )
    with yard.gateway() as gateway:
        attacker = Attacker(gateway, program, tmp_path / "box" / "device.db")
        with yard.device("box"):
            wait_for(gateway, "box")
            assert attacker.ask("PUT", BOX, second.encode(), OCTETS) == 201
            assert attacker.ask("POST", f"{BOX}?start", b"", {}) == 204
            attacker.wanted = {digest(second)}
            for each in (first, *unsigned):
                attacker.fail_to_load(each)
            for token in (
                parties.mask(1),
                parties.mask(5, "heartbeat"),
                parties.mask(5, uid="other"),
                parties.mask(5, keys="strangers"),
                decode(second.metadata).container.syscall_mask_token,
            ):
                attacker.fail("POST", f"{BOX}/w", token, OCTETS)
            assert attacker.ask("POST", f"{BOX}/w", withdrawal, OCTETS) == 204
            attacker.wanted = set()
            wait_until(lambda: gateway.ask("GET", BOX).status_code == 404)
            for each in (first, second, unsigned[2]):
                attacker.fail_to_load(each)
        with yard.device("box"):
            wait_for(gateway, "box")
            for each in (second, unsigned[2]):
                attacker.fail_to_load(each)
            assert attacker.ask("PUT", BOX, fourth.encode(), OCTETS) == 201
            attacker.wanted = {digest(fourth)}
            attacker.fail("POST", f"{BOX}/w", withdrawal, OCTETS)
            for each in (first, second):
                attacker.fail_to_load(each)
