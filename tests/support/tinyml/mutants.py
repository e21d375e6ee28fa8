"""Hostile models: mutants of good ones, raw and structured, and what becomes of them."""

import random
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from support.tinyml.models import random_inputs, seeds
from tinycontainer_endpoints.tinyml.model.decoding import decode_model
from tinycontainer_endpoints.tinyml.model.encoding import encode_model
from tinycontainer_endpoints.tinyml.model.flatbuffer_reader import FlatbufferReader
from tinycontainer_endpoints.tinyml.model.flatbuffer_writer import write_flatbuffer
from tinycontainer_endpoints.tinyml.model.precheck import AcceptedModel, check_model
from tinycontainer_endpoints.tinyml.model.refusing import ModelRefused
from tinycontainer_endpoints.tinyml.model.schema import MODEL, FieldValue, Tree
from tinycontainer_endpoints.tinyml.processes.nursery import ForkingNursery
from tinycontainer_endpoints.tinyml.processes.wire import Request, Status
from tinycontainer_endpoints.tinyml.processes.worker import Worker, WorkerLost
from tinycontainer_endpoints.tinyml.protocol.codes import ErrorCode
from tinycontainer_endpoints.tinyml.quotas import Quotas

NUMBERS: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    16,
    31,
    32,
    64,
    100,
    127,
    128,
    255,
    256,
    1000,
    4096,
    65535,
)
NUMBERS += (65536, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, -1, -2, -128, -129, -(1 << 31))
POINTS: tuple[float, ...] = (
    0.0,
    -0.0,
    1e-38,
    1e-20,
    1e-8,
    1e-3,
    0.5,
    1.0,
    2.0,
    255.0,
    1e6,
    1e20,
    3e38,
    -1.0,
)
POINTS += (float("inf"), float("-inf"), float("nan"))
DEADLINE_MS = 5000
LONGEST_BYTES = 80_000


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """So many mutants, the same for the same seed: half raw, half structured."""
    chance = random.Random(seed)
    originals = [encode_model(model) for _, model in seeds()]
    for number in range(count):
        mutate = _raw if number % 2 else _structured
        yield mutate(chance.choice(originals), originals, chance)


def _raw(content: bytes, originals: list[bytes], chance: random.Random) -> bytes:
    """A few changes to bytes, wherever they are."""
    mutant = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        kind, place = chance.randrange(7), chance.randrange(len(mutant))
        number = chance.choice(NUMBERS)
        if kind == 0:
            mutant[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            mutant[place] = chance.randrange(256)
        elif kind == 2 and len(mutant) >= 8:
            place = min(place, len(mutant) - 4) & ~3
            struct.pack_into("<I", mutant, place, number & 0xFFFFFFFF)
        elif kind == 3 and len(mutant) >= 8:
            struct.pack_into("<H", mutant, min(place, len(mutant) - 2) & ~1, number & 0xFFFF)
        elif kind == 4:
            other = chance.choice(originals)
            begin = chance.randrange(len(other))
            part = other[begin : begin + chance.choice((4, 16, 64))]
            mutant[place : place + len(part)] = part
        elif kind == 5:
            del mutant[place : place + chance.choice((1, 4, 16, 1000))]
            mutant += bytes(max(0, 8 - len(mutant)))
        else:
            mutant[place:place] = chance.randbytes(chance.choice((1, 4, 16)))
    return bytes(mutant)[:LONGEST_BYTES]


def _structured(content: bytes, originals: list[bytes], chance: random.Random) -> bytes:
    """A sound file that says something else in a few places."""
    tree = FlatbufferReader(content).read(MODEL)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _change(tree, chance)
    if chance.random() < 0.1:
        other = FlatbufferReader(chance.choice(originals)).read(MODEL)
        name = chance.choice(("operator_codes", "subgraphs", "buffers"))
        tree[name] = other[name]
    try:
        return write_flatbuffer(tree, MODEL)[:LONGEST_BYTES]
    except (struct.error, KeyError, OverflowError):
        return _raw(content, originals, chance)  # it says what no file can say


def _change(tree: Tree, chance: random.Random) -> None:
    """Change one field somewhere below."""
    name = chance.choice([each for each in tree if tree[each] is not None] or ["version"])
    value = tree[name]
    if isinstance(value, dict) and value and chance.random() < 0.9:
        _change(value, chance)
    elif isinstance(value, list) and value and chance.random() < 0.9:
        _change(chance.choice(value), chance)
    else:
        tree[name] = _changed(value, chance)


def _changed(value: FieldValue, chance: random.Random) -> FieldValue:
    match value:
        case bool():
            return not value
        case int():
            return chance.choice((*NUMBERS, value + 1, value - 1, value * 2))
        case float():
            return chance.choice((*POINTS, value * 2, value / 2))
        case bytes():
            return _changed_bytes(value, chance)
        case tuple():
            return _changed_items(list(value), chance)
        case list():
            return _changed_tables(value, chance)
    return None


def _changed_bytes(value: bytes, chance: random.Random) -> bytes:
    if not value or chance.random() < 0.1:
        return chance.randbytes(chance.choice((0, 1, 4, 64, 1000)))
    changed = bytearray(value)
    for _ in range(chance.choice((1, 4, 64))):
        place = chance.randrange(len(changed))
        changed[place : place + 4] = struct.pack("<f", chance.choice(POINTS))[
            : len(changed) - place
        ]
    return bytes(changed)


def _changed_items(items: list[int] | list[float], chance: random.Random) -> FieldValue:
    if not items or chance.random() < 0.15:
        return tuple(chance.choice(((), (1,), (0, 0), (-1,), tuple(items) * 2, tuple(items[:-1]))))
    place = chance.randrange(len(items))
    pool = POINTS if isinstance(items[0], float) else (*NUMBERS, items[0] + 1, items[0] - 1)
    items[place] = chance.choice(pool)  # type: ignore[call-overload]
    return tuple(items)


def _changed_tables(tables: list[Tree], chance: random.Random) -> FieldValue:
    changed = list(tables)
    if changed and chance.random() < 0.5:
        del changed[chance.randrange(len(changed))]
    elif changed:
        changed.insert(chance.randrange(len(changed) + 1), chance.choice(changed))
    chance.shuffle(changed)
    return changed


@dataclass
class Verdicts:
    """What became of the mutants.

    Attributes:
        refused: by the check, per code.
        accepted: by the check.
        computed: models that gave outputs.
        declined: accepted, then refused by the interpreter with an error.
        lost: accepted, and cost their process: crashes and hangs.
        starved: accepted, and wanted more memory than there is.
        culprits: the first few of the last two.
    """

    refused: Counter[ErrorCode] = field(default_factory=Counter)
    accepted: int = 0
    computed: int = 0
    declined: int = 0
    lost: int = 0
    starved: int = 0
    culprits: list[bytes] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"{code.name} {count}" for code, count in sorted(self.refused.items()))
        return (
            f"{sum(self.refused.values()) + self.accepted} mutants: {codes}; accepted"
            f" {self.accepted}: computed {self.computed}, declined {self.declined},"
            f" lost {self.lost}, starved {self.starved}"
        )


def judge_mutants(backend: str, count: int, seed: int) -> Verdicts:
    """Put mutants through the check, and those that pass through an interpreter."""
    verdicts, nursery, chance = Verdicts(), ForkingNursery(backend), random.Random(seed)
    worker = nursery.fork()
    for content in mutants(count, seed):
        try:
            accepted = check_model(content, Quotas())
        except ModelRefused as refusal:
            verdicts.refused[refusal.code] += 1
            continue
        verdicts.accepted += 1
        try:
            status = _interpret(worker, accepted, chance)
        except WorkerLost:
            verdicts.lost += 1
            verdicts.culprits.append(content)
            nursery.end(worker)
            worker = nursery.fork()
            continue
        verdicts.computed += status is Status.DONE
        verdicts.declined += status is Status.REFUSED
        if status is Status.NO_MEMORY:
            verdicts.starved += 1
            verdicts.culprits.append(content)
    nursery.end(worker)
    return verdicts


def _interpret(worker: Worker, accepted: AcceptedModel, chance: random.Random) -> Status:
    """Load a model and compute twice: on numbers, and on anything."""
    worker.ask(Request.LOAD, 0, accepted.content, DEADLINE_MS, 0)
    reply = worker.wait()
    if reply.status is not Status.DONE:
        return reply.status
    length = sum(each.size_bytes for each in accepted.outputs)
    numbers = b"".join(random_inputs(decode_model(accepted.content), chance))
    for inputs in (numbers, chance.randbytes(len(numbers))):
        worker.ask(Request.RUN, 0, inputs, DEADLINE_MS, length)
        reply = worker.wait()
        if reply.status is not Status.DONE:
            return reply.status
    return Status.DONE
