"""What does an update cost that comes in a signed envelope, on a device without a state file?

The baseline is what it cannot do without: verifying the envelope's signature, and loading the same
bundle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from support.engines import ENGINES
from support.measuring.measuring import Measure
from support.project import BOX
from support.updates import draft, rules, sign, version
from support.worlds import KEYS, blueprint, local, trusted

from tinycontainer.assembly import Device
from tinycontainer.device.containers.verification import Trust
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.suit.drafts import make_envelope
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey, UpdateKeyEntry
from tinycontainer.suit.updater import Updater
from tinycontainer.tools.packing.packing import pack

MODULE = (BOX / "courier" / "courier.wasm").read_bytes()
KEYS_OF_UPDATES = {
    each: UpdateKey.from_private(each, b"\x51" * 32)
    for each in (UpdateAlgorithm.ESP256, UpdateAlgorithm.ED25519)
}


def bundle(uid: str) -> Bundle:
    """A container whose module differs from others: runtimes keep what they made of the last."""
    plan = blueprint(uid, kind=ContainerType.WASM, endpoints=(local(1), local(2, 2)))
    content = b"\1n" + uid.encode()
    return pack(plan, MODULE + bytes([0, len(content)]) + content, b"", KEYS)


def bare_verification(algorithm: UpdateAlgorithm) -> Callable[[], None]:
    """One signature, by the library alone."""
    message = bytes(60)
    if algorithm is UpdateAlgorithm.ED25519:
        signer = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
        signature, public = signer.sign(message), signer.public_key()
        return lambda: public.verify(signature, message)
    private = ec.generate_private_key(ec.SECP256R1())
    scheme = ec.ECDSA(hashes.SHA256())
    proof, point = private.sign(message, scheme), private.public_key()
    return lambda: point.verify(proof, message, scheme)


@dataclass
class Devices:
    """Two devices of a kind: one takes an envelope, the other one loads what is in it."""

    engine: str
    key: UpdateKey

    def __post_init__(self) -> None:
        self._numbers = count()
        self._updated, self._loaded = self._device(), self._device()
        self._updater = Updater(rules(UpdateKeyEntry(self.key.public_half())), self._updated)
        self.prepare()

    def _device(self) -> Device:
        runtimes = {ContainerType.WASM: ENGINES[self.engine]()}
        return Device(Setup(runtimes=runtimes, trust=Trust(keys=trusted())), VirtualClock())

    def prepare(self) -> None:
        """Make what comes next."""
        uid = f"box-{next(self._numbers)}"
        self._uid = uid.encode()
        made = bundle(uid)
        self._bundle = made.encode()
        self._envelope = sign(make_envelope(draft(version(made, self._uid))), self.key)

    def update(self) -> None:
        """Install by an envelope, and delete."""
        self._updater.apply(self._envelope)
        self._updated.delete(self._uid)

    def load(self) -> None:
        """Load a bundle, and delete."""
        self._loaded.load(self._bundle)
        self._loaded.delete(self._uid)


@pytest.mark.parametrize("algorithm", KEYS_OF_UPDATES)
@pytest.mark.parametrize("engine", ENGINES)
def test_update_against_what_it_cannot_do_without(
    measure: Measure, engine: str, algorithm: UpdateAlgorithm
) -> None:
    devices = Devices(engine, KEYS_OF_UPDATES[algorithm])
    measure(
        "update",
        f"{len(MODULE)} bytes, {algorithm}, {engine}",
        "update",
        devices.update,
        before=devices.prepare,
        against={"the signature": bare_verification(algorithm), "the load": devices.load},
        ratios={"both": lambda t: t["update"] / (t["the signature"] + t["the load"])},
    )
