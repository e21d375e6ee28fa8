"""What does a load cost, and of what does it consist? How does it grow with the module?

First what no load can do without: four bare Ed25519 verifications, and the engine's own parsing
and validating.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest
import pywasm
import wasmtime
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.engines import ENGINES
from support.measuring.measuring import Measure
from support.project import BOX
from support.wasm.modules import container
from support.worlds import KEYS, blueprint, local, trusted

from tinycontainer import metadata
from tinycontainer.assembly import Device
from tinycontainer.device.containers.verification import Grant, Trust, grant_rights, verify_tokens
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.interfaces.meter import Meter
from tinycontainer.interfaces.runtime import RuntimeLimits
from tinycontainer.metadata import Bundle, ContainerType
from tinycontainer.testing import RecordingNatives
from tinycontainer.tools.packing.packing import pack
from tinycontainer_runtimes.wasm.validator import make_plain_config
from tinycontainer_runtimes.wasm_wasmtime.engine import make_engine

TOKENS = 4
SMALL = (BOX / "courier" / "courier.wasm").read_bytes()
SIZES = (1_000, 4_000, 16_000, 64_000)

each_engine = pytest.mark.parametrize("engine", ENGINES)


def module(size: int) -> bytes:
    """A module of about this many bytes: functions of plain arithmetic, and a call."""
    line = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 7)) (i32.const 11)))"
    one = f"(func (result i32) (local i32) {line * 10} (local.get 0))"
    loop = '(func (export "loop") (result i32) (drop (call $heartbeat)) (i32.const 0))'

    def of(functions: int) -> bytes:
        return container(loop + one * functions, uses=("heartbeat",))

    each = len(of(2)) - len(of(1))
    return of(max(0, (size - len(of(0))) // each))


def bundle(code: bytes, uid: str = "small") -> Bundle:
    plan = blueprint(uid, kind=ContainerType.WASM, endpoints=(local(1), local(2, 2)))
    return pack(plan, code, b"", KEYS)


def parsed_and_validated(engine: str, code: bytes) -> Callable[[], object]:
    """What an engine does with a module by itself, before it can run it."""
    if engine == "wasmtime":
        compiler = make_engine()
        return lambda: wasmtime.Module(compiler, code)
    validator = wasmtime.Engine(make_plain_config())

    def parse_and_validate() -> object:
        wasmtime.Module.validate(validator, code)
        return pywasm.ModuleDesc.from_reader(io.BytesIO(code))

    return parse_and_validate


def four_signatures() -> Callable[[], None]:
    signer, message = Ed25519PrivateKey.from_private_bytes(bytes(32)), bytes(120)
    signature, public = signer.sign(message), signer.public_key()

    def verify() -> None:
        for _ in range(TOKENS):
            public.verify(signature, message)

    return verify


def decoding() -> Callable[[], object]:
    encoded = bundle(SMALL).metadata
    return lambda: metadata.decode(encoded)


class Verifying:
    """Verifies the tokens of one container; `forget` makes keys that have not seen them."""

    def __init__(self) -> None:
        self._packed = bundle(SMALL)
        self._decoded = metadata.decode(self._packed.metadata)
        self.forget()

    def forget(self) -> None:
        """Begin again with new keys, as a key remembers signatures that held."""
        self._trust = Trust(keys=trusted())

    def verify(self) -> Grant:
        """Verify and grant."""
        packed = self._packed
        reports = verify_tokens(self._decoded, packed.code, packed.data, self._trust, 0)
        return grant_rights(self._decoded, reports, self._trust)


def admitting(engine: str) -> Callable[[], None]:
    """Admission; each time of another module, as runtimes keep what they made of the last ones."""
    runtime, limits, numbers = ENGINES[engine](), RuntimeLimits(), count()
    return lambda: runtime.admit(SMALL + custom_section(str(next(numbers))), limits)


def admitting_again(engine: str) -> Callable[[], None]:
    """Admission of a module that the runtime knows, as of a second device."""
    runtime, limits = ENGINES[engine](), RuntimeLimits()
    runtime.admit(SMALL, limits)
    return lambda: runtime.admit(SMALL, limits)


def creating(engine: str) -> Callable[[], None]:
    runtime, code, limits = ENGINES[engine](), SMALL, RuntimeLimits()
    meter = Meter(lambda _used: None)
    runtime.admit(code, limits)
    return lambda: runtime.create(code, b"", RecordingNatives(meter), meter, limits).finalize()


PARTS = {"admit": admitting, "admit again": admitting_again, "create": creating}


@each_engine
def test_load_against_what_it_cannot_do_without(measure: Measure, engine: str) -> None:
    signatures, parsing = four_signatures(), parsed_and_validated(engine, SMALL)
    loads = Loads(engine, SMALL)
    measure(
        "load",
        f"{len(SMALL)} bytes, {engine}",
        "load",
        loads.load,
        before=loads.unload,
        against={"four signatures": signatures, "the bare engine": parsing},
        ratios={"both": lambda t: t["load"] / (t["four signatures"] + t["the bare engine"])},
    )


def test_decoding_against_four_signatures(measure: Measure) -> None:
    against = {"four signatures": four_signatures()}
    measure("parts of a load", "decode metadata", "part", decoding(), against=against)


def test_verifying_against_four_signatures(measure: Measure) -> None:
    tokens = Verifying()
    measure(
        "parts of a load",
        "verify four tokens",
        "part",
        tokens.verify,
        before=tokens.forget,
        against={"four signatures": four_signatures()},
    )


@each_engine
@pytest.mark.parametrize("part", PARTS)
def test_part_against_bare_engine(measure: Measure, engine: str, part: str) -> None:
    run = PARTS[part](engine)
    against = {"the bare engine": parsed_and_validated(engine, SMALL)}
    measure("parts of a load", f"{part}, {engine}", "part", run, against=against)


@each_engine
@pytest.mark.parametrize("size", SIZES)
def test_load_by_size(measure: Measure, engine: str, size: int) -> None:
    code = module(size)
    loads = Loads(engine, code)
    measure(
        "module size",
        f"{size // 1000} kB, {engine}",
        "load",
        loads.load,
        before=loads.unload,
        against={"the bare engine": parsed_and_validated(engine, code)},
        module_bytes=len(code),
    )


@dataclass
class Loads:
    """A device that loads a container again and again.

    Each time it is another module, as runtimes keep what they made of the last ones.
    """

    engine: str
    code: bytes

    def __post_init__(self) -> None:
        self._numbers = count()
        runtimes = {ContainerType.WASM: ENGINES[self.engine]()}
        self._device = Device(Setup(runtimes=runtimes, trust=Trust(keys=trusted())), VirtualClock())

    def load(self) -> None:
        """Verify, admit and keep the next container."""
        self._device.load(self._next)

    def unload(self) -> None:
        """Delete what is there, and pack what comes next."""
        for view in self._device:
            self._device.delete(view.uid)
        uid = f"box-{next(self._numbers)}"
        self._next = bundle(self.code + custom_section(uid), uid).encode()


def custom_section(text: str) -> bytes:
    """A section that engines read over; it makes a module differ from others."""
    content = b"\1n" + text.encode()
    return bytes([0, len(content)]) + content
