"""What is recorded of loads and changes."""

from hashlib import sha256

from tinycontainer.errors import LoadError
from tinycontainer.metadata import Metadata
from tinycontainer.trace import Tracer
from tinycontainer.trace.events import Loaded, LoadRefused, Reconfigured, Transitioned

from .container import Container
from .lifecycle import Condition, Event, State, after
from .verification import Grant


def record_refusal(tracer: Tracer, verb: str, uid: bytes, error: LoadError) -> None:
    """A request was refused; uid is empty where it was not yet known."""
    tracer.mark(LoadRefused(uid, verb, error.reason, error.problem))


def record_rejected(tracer: Tracer, named: bytes) -> None:
    """Record the end under the slot's own name: a uid that is claimed may be another's."""
    condition = Condition(State.PROVISIONING)
    for event in (Event.REJECTED, Event.ERASED):
        before = condition
        condition = after(before, event)
        tracer.mark(Transitioned(named, before.state, event, condition.state, ""))


def loaded(container: Container) -> Loaded:
    """A container was accepted."""
    return Loaded(
        uid=container.uid,
        slot=container.slot.number,
        type=container.metadata.container.type.name.lower(),
        profile=container.grant.profile or "",
        unsigned=container.grant.unsigned,
        metadata_bytes=len(container.metadata.raw),
        code_bytes=len(container.code),
        data_bytes=len(container.data),
        code_sha256=sha256(container.code).hexdigest(),
    )


def deleting(container: Container) -> Transitioned:
    """A container is going to be deleted."""
    following = after(container.condition, Event.DELETE)
    return Transitioned(container.uid, container.state, Event.DELETE, following.state, "")


def reconfigured(before: Metadata, following: Metadata, granted: Grant) -> Reconfigured:
    """New metadata, with the rights that it gives, takes the place of that of before."""
    old = set(before.endpoints or ())
    new = set(following.endpoints or ())
    return Reconfigured(
        uid=following.uid,
        mask=granted.mask,
        priority=following.timing.priority,
        revoked=tuple(sorted(endpoint.endpoint_id for endpoint in old - new)),
        granted=tuple(sorted(endpoint.endpoint_id for endpoint in new - old)),
    )
