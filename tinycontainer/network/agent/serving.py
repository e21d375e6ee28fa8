"""Serving a device: everything of the agent put together."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tinycontainer.device.containers.lifecycle import State
from tinycontainer.device.device import BareDevice
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.clock import NS_PER_MS, to_unix_s
from tinycontainer.state import DeviceState
from tinycontainer.suit.envelope.decoder import MAX_ENVELOPE_BYTES
from tinycontainer.suit.updater import Updater
from tinycontainer_tokens import KeyMaterial

from .address import Address
from .agent import Agent
from .changes import Changes
from .coap_server import Listener, Observers, Site, listening
from .directory import DirectoryClient
from .ending import Ending
from .fetching import Fetching
from .identity import DeviceId
from .manager import Manager
from .presence import PresencePlan, RegistrationTerms
from .protection import ProtectedSite, Protection
from .published import Published
from .registration import Registering
from .requests.blocks import Uploads
from .requests.message import CoapAnswer, CoapRequest, Code, Method
from .requests.rates import Rates
from .requests.rights import Peers, Right
from .resources import Resources
from .updates import Updates

_ENVELOPE_OVERHEAD_BYTES: Final = 8192
"""What an envelope has beside the bundles of all slots."""
_MOVING: Final = frozenset({State.RUNNING, State.STOPPING})


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and to whom.

    Attributes:
        device: the device, in wall time; ``changes`` is one of its sinks.
        setup: what it is made of.
        state: what it remembers.
        changes: what has changed on it.
        device_id: its identifier.
        peers: who is known.
        protection: by what they are known.
        when_asked: is called with each request and its answer.
        updater: applies updates; None if the device takes none.
        evidence_key: signs what the device states of itself; None if it states nothing.
        registration: how it registers; None if it does not.
        when_registered: is called with the directory's URI when it is registered, and with why it
            is not when that changes; else the reason is empty.
    """

    device: BareDevice
    setup: Setup
    state: DeviceState
    changes: Changes
    device_id: DeviceId
    peers: Peers
    protection: Protection
    when_asked: Callable[[CoapRequest, CoapAnswer], None]
    updater: Updater | None = None
    evidence_key: KeyMaterial | None = None
    registration: RegistrationTerms | None = None
    when_registered: Callable[[str, str], None] = lambda _directory, _problem: None

    def make_updates(self, when_changed: Callable[[], None]) -> Updates:
        """What applies updates.

        Args:
            when_changed: is called when there is something new to observe.
        """
        capacity = self.setup.capacity
        longest_bytes = capacity.slots * capacity.bundle_bytes + _ENVELOPE_OVERHEAD_BYTES
        return Updates(self.updater, min(longest_bytes, MAX_ENVELOPE_BYTES), when_changed)

    def make_manager(self, updates: Updates) -> Manager:
        """What answers requests.

        Args:
            updates: applies updates.
        """
        setup = self.setup
        resources = Resources(
            self.device,
            self.state,
            setup.capacity,
            self.device_id,
            self.changes,
            lambda: to_unix_s(setup.epoch_s, self.device.now_ns),
            updates,
            self.evidence_key,
        )
        published = Published(self.device, self.device_id, self._may)
        return Manager(
            self.peers, Rates(time.monotonic), Uploads(time.monotonic), published, resources
        )

    def make_listener(self, site: Site, address: Address) -> Listener:
        """What serves a site, protected where peers are known.

        Args:
            site: answers requests.
            address: where.
        """
        if not self.peers.is_protected:
            return Listener(site, address.host, address.port)
        protected = ProtectedSite(site, self.protection, time.monotonic)
        return Listener(protected, address.host, address.port)

    def make_registering(
        self, listener: Listener, is_busy: Callable[[], bool]
    ) -> Registering | None:
        """What keeps it registered, and lets it sleep; None if it does neither.

        Args:
            listener: has the socket; the directory takes the address of that for the device's.
            is_busy: whether it must not sleep now.
        """
        if self.registration is None:
            return None
        directory, peer = self.registration.directory, self.registration.peer
        security = None if peer is None else self.protection.contexts[peer]
        return Registering(
            PresencePlan(self.registration.rhythm, time.monotonic(), random.random),
            DirectoryClient(self.registration, security, listener.ask),
            listener,
            is_busy,
            lambda problem: self.when_registered(directory, problem),
            time.monotonic,
        )

    def _may(self, request: CoapRequest, right: Right, uid: bytes | None) -> bool:
        peer = self.peers.find(request.peer)
        return peer is not None and peer.may(right, uid)


@asynccontextmanager
async def _in_background(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something go on until the block is left."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def serve(
    served: Served,
    address: Address,
    ending: Ending,
    when_ready: Callable[[], None],
    when_ending: Callable[[], None],
) -> None:
    """Serve a device until its end is asked for; then its containers end with their grace.

    One event loop can serve several devices: each runs in slices, and the others in between.

    Args:
        served: the device.
        address: where.
        ending: asks for the end; asked again, nothing is waited for.
        when_ready: is called once requests are answered.
        when_ending: is called once they no longer are.

    Raises:
        OSError: the address cannot be used.
    """
    observers = Observers()
    agent = Agent(served.device, observers)
    ending.when_asked = agent.poke

    def when_update_changed() -> None:
        agent.note_change()
        agent.poke()
        fetching.wake()

    updates = served.make_updates(when_update_changed)
    fetching = Fetching(updates)
    manager = served.make_manager(updates)

    def handle(request: CoapRequest) -> CoapAnswer:
        answer = manager.handle(request)
        # Neither a look nor a block makes anything due.
        if request.method is not Method.GET and answer.code is not Code.CONTINUE:
            agent.poke()
        if registering is not None:
            registering.note_use()
        served.when_asked(request, answer)
        return answer

    served.changes.when_changed = agent.note_change
    listener = served.make_listener(Site(handle, manager.look, observers), address)
    registering = served.make_registering(listener, lambda: updates.wanted is not None)
    async with listening(listener):
        when_ready()
        beside = [fetching.run()] if registering is None else [fetching.run(), registering.run()]
        async with _in_background(*beside):
            await agent.run(lambda: ending.is_asked)
        if registering is not None:
            await _withdraw(registering, agent, ending)
    when_ending()
    await _wind_down(served, agent, ending)


async def _withdraw(registering: Registering, agent: Agent, ending: Ending) -> None:
    """Let the directory forget the device, which goes on meanwhile."""
    withdrawing = asyncio.create_task(registering.withdraw())
    withdrawing.add_done_callback(lambda _: agent.poke())
    await agent.run(lambda: withdrawing.done() or ending.is_urgent)


async def _wind_down(served: Served, agent: Agent, ending: Ending) -> None:
    """Let the containers end, each with its grace."""
    served.device.wind_down()
    grace_ms = served.setup.scheduling.grace_ns // NS_PER_MS
    end_ns = served.device.now_ns + 3 * grace_ms * NS_PER_MS
    await agent.run(
        lambda: (
            ending.is_urgent
            or served.device.now_ns >= end_ns
            or all(view.state not in _MOVING for view in served.device)
        )
    )
