"""The resources of the directory: requests become registrations and answers (RFC 9176)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tinycontainer.errors import TinyContainerError
from tinycontainer.network.agent.requests.message import (
    CoapAnswer,
    CoapRequest,
    Code,
    Format,
    Method,
    Option,
)
from tinycontainer.network.agent.requests.options import require_format, require_known_options
from tinycontainer.network.agent.requests.rates import Rates
from tinycontainer.network.agent.requests.refusing import (
    CoapRefused,
    bad_request,
    too_large,
    too_often,
)

from .link_format import (
    MAX_CONTENT_BYTES,
    Link,
    LinkFormatError,
    parse_links,
    require_limited,
    write_links,
)
from .lookups import Search, find_endpoints, find_resources, match_links
from .parameters import MAX_PART_CHARACTERS, MAX_QUERY_PARTS, read_parameters
from .registrations import Registration
from .requester import Requester
from .table import Directory

_MAX_SEGMENTS: Final = 8
_ELECTIVE: Final = frozenset({Option.CONTENT_FORMAT, Option.SIZE1})
_DISCOVERED: Final = (
    Link("/rd", (("rt", "core.rd"), ("ct", "40"))),
    Link("/rd-lookup/ep", (("rt", "core.rd-lookup-ep"), ("ct", "40"))),
    Link("/rd-lookup/res", (("rt", "core.rd-lookup-res"), ("ct", "40"))),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, and who has sent it.

    Attributes:
        request: what is asked.
        requester: who asks.
        location: of the registration that the path names; empty if it names none.
    """

    request: CoapRequest
    requester: Requester
    location: str = ""


_Handler: TypeAlias = Callable[[_Asked], CoapAnswer]


class DirectoryResources:
    """Answers requests to the directory.

    Args:
        directory: the registrations.
        rates: bounds how often each identity, or each host without one, may ask.
    """

    def __init__(self, directory: Directory, rates: Rates) -> None:
        self._directory = directory
        self._rates = rates
        self._registration: Mapping[Method, _Handler] = {
            Method.POST: self._renew,
            Method.DELETE: self._delete,
        }
        self._handlers: Mapping[tuple[str, ...], Mapping[Method, _Handler]] = {
            ("rd",): {Method.POST: self._register},
            ("rd-lookup", "ep"): {Method.GET: self._look_up_endpoints},
            ("rd-lookup", "res"): {Method.GET: self._look_up_resources},
            (".well-known", "core"): {Method.GET: self._discover},
        }

    def handle(self, request: CoapRequest, identity: str, source: str) -> CoapAnswer:
        """Answer a request, whatever it is.

        Args:
            request: untrusted.
            identity: the name that OSCORE has proved; empty if it was not protected.
            source: ``coap://host:port`` of its datagram; the host is an IP address.

        Raises:
            ValueError: the source is no such URI.
        """
        requester = Requester.of(identity, source)
        try:
            return self._judge(request, requester)
        except CoapRefused as refusal:
            return refusal.answer()
        except TinyContainerError as error:  # the store cannot be written
            return CoapRefused.of(error).answer()

    def _judge(self, request: CoapRequest, requester: Requester) -> CoapAnswer:
        self._directory.require_admitted(requester)
        wait_s = self._rates.admit(_key_of(requester))
        if wait_s > 0:
            raise too_often(wait_s)
        _require_bounded_uri(request)
        methods, location = self._find_resource(request.path)
        require_known_options(request, _ELECTIVE)
        handler = methods.get(request.method)
        if handler is None:
            problem = f"{request.method.name} is not possible here"
            raise CoapRefused(Code.METHOD_NOT_ALLOWED, "method-not-allowed", problem)
        if request.path != ("rd",) and request.payload:
            raise bad_request("payload: none is taken here")
        return handler(_Asked(request, requester, location))

    def _find_resource(self, path: tuple[str, ...]) -> tuple[Mapping[Method, _Handler], str]:
        found = self._handlers.get(path)
        if found is not None:
            return found, ""
        match path:
            case ("rd", location) if location:
                return self._registration, location
            case (".well-known", "rd"):
                # It would make the gateway send requests to wherever a stranger says it is.
                raise _not_found("simple registration is not offered; register at /rd")
        raise _not_found("there is no such resource")

    # Registrations.

    def _register(self, asked: _Asked) -> CoapAnswer:
        request = asked.request
        links = _read_links(request)
        parameters = read_parameters(request.query)
        made = self._directory.register(asked.requester, parameters, links)
        path = (b"rd", made.location.encode())
        return CoapAnswer(
            Code.CREATED, options=tuple((Option.LOCATION_PATH, segment) for segment in path)
        )

    def _renew(self, asked: _Asked) -> CoapAnswer:
        parameters = read_parameters(asked.request.query)
        self._directory.renew(asked.requester, asked.location, parameters)
        return CoapAnswer(Code.CHANGED)

    def _delete(self, asked: _Asked) -> CoapAnswer:
        self._directory.delete(asked.requester, asked.location)
        return CoapAnswer(Code.DELETED)

    # Lookups.

    def _look_up_endpoints(self, asked: _Asked) -> CoapAnswer:
        search = Search.of(asked.request.query)
        found = find_endpoints(self._visible(asked.requester), search)
        return _answer_links(asked.request, search.choose(found))

    def _look_up_resources(self, asked: _Asked) -> CoapAnswer:
        search = Search.of(asked.request.query)
        found = find_resources(self._visible(asked.requester), search)
        return _answer_links(asked.request, search.choose(found))

    def _discover(self, asked: _Asked) -> CoapAnswer:
        search = Search.of(asked.request.query)
        return _answer_links(asked.request, search.choose(match_links(_DISCOVERED, search)))

    def _visible(self, requester: Requester) -> list[Registration]:
        """What a requester may see: a device itself, and who is let in without proof all."""
        found = self._directory.live(requester.identity or None)
        return [each for each in found if not requester.identity or each.is_of(requester)]


def _key_of(requester: Requester) -> bytes:
    """By what requests are counted: no host is called as an identity."""
    kind = f"name {requester.identity}" if requester.identity else f"host {requester.host}"
    return kind.encode()


def _require_bounded_uri(request: CoapRequest) -> None:
    if len(request.path) > _MAX_SEGMENTS or len(request.query) > MAX_QUERY_PARTS:
        raise bad_request("path or query: too many parts")
    if any(len(part) > MAX_PART_CHARACTERS for part in (*request.path, *request.query)):
        raise bad_request("path or query: a part is too long")


def _read_links(request: CoapRequest) -> str:
    """The links in a request, checked, as they were sent."""
    if len(request.payload) > MAX_CONTENT_BYTES:
        raise too_large("links", MAX_CONTENT_BYTES)
    if not request.payload:
        return ""
    given = request.option(Option.CONTENT_FORMAT)
    if given is None:
        problem = f"the content format has to be named: {int(Format.LINKS)}"
        raise CoapRefused(Code.UNSUPPORTED_FORMAT, "format", problem)
    require_format(given, Format.LINKS, Code.UNSUPPORTED_FORMAT)
    try:
        require_limited(parse_links(request.payload))
    except LinkFormatError as error:
        raise bad_request(f"links: {error}") from None
    return request.payload.decode()


def _answer_links(request: CoapRequest, links: tuple[Link, ...]) -> CoapAnswer:
    accepted = request.option(Option.ACCEPT)
    if accepted is not None:
        require_format(accepted, Format.LINKS, Code.NOT_ACCEPTABLE)
    return CoapAnswer(Code.CONTENT, write_links(links).encode(), Format.LINKS)


def _not_found(problem: str) -> CoapRefused:
    return CoapRefused(Code.NOT_FOUND, "not-found", problem)
