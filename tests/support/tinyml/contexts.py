"""Contexts in a wanted state, on workers that need no interpreter."""

import hashlib
import struct

from support.tinyml.client import COMPUTE, Client, load_frames, make_setup
from support.tinyml.fake_workers import FakeNursery
from support.tinyml.hostile_models import good
from tinycontainer_endpoints.tinyml.driver import TinyML
from tinycontainer_endpoints.tinyml.protocol.states import ContextState

MODEL = good()
DIGEST = hashlib.sha256(MODEL).digest()
INPUT = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
EMPTY, LOADING, READY, PRIMED, COMPUTING, DONE = ContextState


def client(*, virtual: bool = True, nursery: FakeNursery | None = None, **quotas: int) -> Client:
    setup = make_setup(virtual=virtual, quotas=quotas)
    return Client(TinyML(setup, nursery=nursery or FakeNursery()))


def another(first: Client, uid: bytes = b"tenant") -> Client:
    return Client(first.driver, uid)


def state(of: Client) -> ContextState:
    return ContextState(of.status()[1])


def in_state(wanted: ContextState, *, nursery: FakeNursery | None = None) -> Client:
    """A client whose context is in a state."""
    made = nursery or FakeNursery()
    here = client(virtual=wanted is not COMPUTING, nursery=made)
    frames = list(load_frames(MODEL))
    if wanted is EMPTY:
        return here
    here.send(frames[0])
    if wanted is LOADING:
        return here
    here.send(*frames[1:])
    if wanted is READY:
        return here
    here.give([INPUT])
    if wanted is PRIMED:
        return here
    if wanted is COMPUTING:
        made.workers[0].slow = True
    here.send(COMPUTE)
    return here
