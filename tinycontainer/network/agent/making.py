"""A device and its file become what is served."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tinycontainer.assembly import Device, DevicePlan
from tinycontainer.device.setup import Setup
from tinycontainer.interfaces.network.oscore import open_contexts
from tinycontainer.state import DeviceState

from .changes import Changes
from .identity import DeviceId
from .known_peers import make_peers, read_proofs
from .protection import Protection
from .requests.message import CoapAnswer, CoapRequest
from .served_plan import find_registration
from .serving import Served


@contextmanager
def opened_protection(plan: DevicePlan) -> Iterator[Protection]:
    """How a device recognises the peers of its file; their contexts are open until the block ends.

    Raises:
        DeviceFileError: a context or a credential cannot be used.
    """
    proofs = read_proofs(plan)
    with open_contexts(proofs.contexts) as contexts:
        yield Protection(contexts, proofs.identity, proofs.credentials)


def make_served(
    plan: DevicePlan,
    device: Device,
    setup: Setup,
    state: DeviceState,
    changes: Changes,
    protection: Protection,
    when_asked: Callable[[CoapRequest, CoapAnswer], None],
    when_registered: Callable[[str, str], None],
) -> Served:
    """What is served of a device.

    Args:
        plan: its file.
        device: made from it, in wall time; ``changes`` is one of its sinks.
        setup: what it is made of.
        state: what it remembers.
        changes: what has changed on it.
        protection: how it recognises its peers.
        when_asked: see `Served`.
        when_registered: see `Served`.
    """
    fixed = plan.content.device.id
    return Served(
        device=device,
        setup=setup,
        state=state,
        changes=changes,
        device_id=DeviceId(None if fixed is None else fixed.encode(), state),
        peers=make_peers(plan),
        protection=protection,
        when_asked=when_asked,
        updater=device.updater,
        evidence_key=device.evidence_key,
        registration=find_registration(plan),
        when_registered=when_registered,
    )
