"""Which rights a request of version 2 needs, by its method and its target alone (TC-MGMT-14)."""

from typing import Final

from .message import CoapRequest, Code, Method, Option
from .refusing import CoapRefused, bad_request
from .rights import Right
from .target import Target

VERBS: Final = {"start": Right.START, "stop": Right.STOP, "kill": Right.STOP}
"""What is asked of a container by POST, in the query."""
RIGHTS_OF_PAYLOADS: Final = {"judge": Right.LOAD, "update": Right.UPDATE}
"""By kind of resource: about which containers a POST is, its payload says."""


def needed_rights(request: CoapRequest, target: Target) -> tuple[Right, ...]:
    """What whoever asks must be allowed to do, to the container of the target.

    Raises:
        CoapRefused: the resource does not know the method.
    """
    method = request.method
    match target.kind:
        case "container" if method is Method.PUT:
            replaces = request.option(Option.IF_MATCH) is not None
            return (Right.LOAD, Right.DELETE) if replaces else (Right.LOAD,)
        case "container" if method is Method.POST:
            return (VERBS[find_verb(target)],)
        case "container" if method is Method.DELETE:
            return (Right.DELETE,)
        case "metadata" if method is Method.PUT:
            return (Right.RECONFIGURE,)
        case "withdrawal" if method is Method.POST:
            return (Right.DELETE,)
        case "judge" | "update" if method is Method.POST:
            return (RIGHTS_OF_PAYLOADS[target.kind],)
    if method is not Method.GET or target.kind in ("judge", "withdrawal"):
        problem = f"{method.name} is not possible here"
        raise CoapRefused(Code.METHOD_NOT_ALLOWED, "method-not-allowed", problem)
    return (Right.READ,)


def find_verb(target: Target) -> str:
    """The verb in the query of a POST to a container.

    Raises:
        CoapRefused: there is none, or more than one.
    """
    verbs = [verb for verb in VERBS if verb in target.query]
    if len(verbs) != 1:
        raise bad_request("query: one of start, stop and kill is needed")
    return verbs[0]
