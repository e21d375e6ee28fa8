"""HTTP requests as requests of CoAP (RFC 8075)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_to_bytes

from tinycontainer.errors import MetadataError
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer_tokens.claims import MAX_UID_BYTES

from ...agent.requests.message import (
    MAX_URI_PARTS,
    CoapRequest,
    Code,
    Method,
    Option,
    from_uint,
    to_uint,
)
from ...agent.requests.needs import needed_rights
from ...agent.requests.published_table import CONTAINER_PATH, DEVICE_ID_PATH, ROWS, Action
from ...agent.requests.refusing import CoapRefused
from ...agent.requests.target import Target
from ..gateway_file import TokenVerb
from .media_types import CBOR, JSON, AcceptedTypes, content_format_of
from .problems import HttpRefused, bad_request
from .renditions import Rendition, rendition_of

MAX_QUERY_CHARACTERS: Final = 2048
MAX_PART_BYTES: Final = 255
"""Of a segment or a part of the query (RFC 7252, section 5.10)."""
MAX_PUBLISHED_BYTES: Final = 3072
"""Of a bundle for version 1: options have no blocks, and a device cuts longer datagrams."""
MAX_ETAGS: Final = 8
MAX_ETAG_BYTES: Final = 8
_BLOB: Final = "blob="
ACTIONS: Final = {action.name.lower().replace("_", "-"): action for action in Action}
"""Of version 1, by their names in a query."""
_METHODS: Final = {"HEAD": Method.GET, **{method.name: method for method in Method}}
ALLOWED: Final = {
    "device": "GET, HEAD",
    "containers": "GET, HEAD",
    "container": "GET, HEAD, PUT, POST, DELETE",
    "metadata": "GET, HEAD, PUT",
    "withdrawal": "POST",
    "judge": "POST",
    "update": "GET, HEAD, POST",
    "events": "GET, HEAD",
    "evidence": "GET, HEAD",
    "device-id": "GET, HEAD, POST",
}
"""By kind of resource."""


@dataclass(frozen=True, slots=True)
class HttpAsked:
    """What an HTTP request asks of a device.

    Attributes:
        method: its name.
        path: below the device, as it came, without its first slash.
        query: as it came.
        headers: by names in small letters.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A request to a device.

    Attributes:
        request: without its payload.
        verbs: what its sender must be allowed to do.
        kind: of the resource, as of `Target`; ``published`` or ``device-id`` in version 1.
        blob: SHA-256 of the blob that is its payload; None if the payload comes with it.
        rendition: makes JSON of the answer; None if the answer stays as it is.
        takes_bundle: whether the payload is a bundle that goes into options (version 1).
    """

    request: CoapRequest
    verbs: tuple[TokenVerb, ...]
    kind: str
    blob: bytes | None = None
    rendition: Rendition | None = None
    takes_bundle: bool = False

    @property
    def allowed(self) -> str:
        """The methods that its resource knows."""
        name = self.request.method.name
        return ALLOWED.get(self.kind, name.replace("GET", "GET, HEAD"))

    def with_bundle(self, content: bytes) -> "DeviceRequest":
        """The request with the sections of a bundle as options (TC-MGMT-07).

        Raises:
            HttpRefused: it is no bundle.
        """
        if len(content) > MAX_PUBLISHED_BYTES:
            problem = f"at most {MAX_PUBLISHED_BYTES} bytes fit into a message of version 1"
            raise HttpRefused(413, "too-large", f"{problem}; PUT the bundle to /tc/c/UID")
        try:
            bundle = Bundle.decode(content, len(content))
        except MetadataError as error:
            raise bad_request(f"the payload is no bundle: {error}") from error
        sections = (
            (int(Option.METADATA), bundle.metadata),
            (int(Option.DATA), bundle.data),
            (int(Option.CODE), bundle.code),
        )
        options = (*self.request.options, *sections)
        return replace(self, request=replace(self.request, options=options), takes_bundle=False)


def read_device_request(asked: HttpAsked, random_bytes: Callable[[int], bytes]) -> DeviceRequest:
    """What a device is to be asked.

    Args:
        asked: what came; untrusted.
        random_bytes: draws a number of bytes, for the id of a change that has none.

    Raises:
        HttpRefused: it cannot be asked.
    """
    path = _split(asked.path, "/", "path")
    query = _split(asked.query[: MAX_QUERY_CHARACTERS + 1], "&", "query") if asked.query else ()
    if len(asked.query) > MAX_QUERY_CHARACTERS:
        raise bad_request(f"query: has more than {MAX_QUERY_CHARACTERS} characters")
    if path in (CONTAINER_PATH, DEVICE_ID_PATH):
        return _published(path, query, asked.method)
    blob, query = _take_blob(query, asked.method)
    try:
        # Which methods there are depends on the resource, so the path is looked at first.
        kind = Target.of(CoapRequest(b"", Method.GET, path)).kind
        request = CoapRequest(b"", _method(asked.method, kind), path, query)
        target = Target.of(request)
        needed_rights(request, target)
    except CoapRefused as refusal:
        raise _as_refused(refusal) from refusal
    request, rendition = _with_options(request, asked.headers, kind)
    verbs = needed_verbs(request)
    if request.method is not Method.GET and target.kind != "judge" and target.request_id is None:
        if len(query) >= MAX_URI_PARTS:
            raise bad_request(f"query: has more than {MAX_URI_PARTS} parts, with an id")
        request = replace(request, query=(*query, f"id={random_bytes(8).hex()}"))
    return DeviceRequest(request, verbs, kind, blob, rendition)


def needed_verbs(request: CoapRequest) -> tuple[TokenVerb, ...]:
    """What the holder of a token must be allowed to do, to have a device asked this.

    Args:
        request: one that was read here, or that is protected from end to end.
    """
    if request.option(Option.OSCORE) is not None:
        return (TokenVerb.FORWARD,)
    if request.path == DEVICE_ID_PATH:
        return (TokenVerb.READ if request.method is Method.GET else TokenVerb.IDENTIFY,)
    if request.path == CONTAINER_PATH:
        action = Action(from_uint(request.option(Option.ACTION) or b""))
        return (TokenVerb(ROWS[action].right),)
    return tuple(map(TokenVerb, needed_rights(request, Target.of(request))))


def rendition_for(request: CoapRequest, accept: str | None) -> Rendition | None:
    """What makes JSON of the answer to a request, for somebody who accepts this; None if nothing.

    Args:
        request: one that was read here.
        accept: the header field of whoever reads the answer.

    Raises:
        HttpRefused: nothing that it accepts can be had.
    """
    if request.path == CONTAINER_PATH:
        uid = request.option(Option.UID) or b""
        return rendition_of("published", uid.hex()) if request.method is Method.GET else None
    if request.path == DEVICE_ID_PATH:
        return None
    kind = Target.of(request).kind
    return _choose_form(kind, AcceptedTypes.parse(accept), is_look=request.method is Method.GET)[0]


def _choose_form(
    kind: str, accepted: AcceptedTypes, *, is_look: bool
) -> tuple[Rendition | None, int | None]:
    """What makes JSON of an answer; and the content format that a device is asked for, if any."""
    rendition = rendition_of(kind) if is_look or kind == "judge" else None
    if accepted.wants_stream:
        return rendition, None
    offers = (CBOR,) if rendition is None else (JSON, CBOR)
    if accepted.choose(offers) == JSON:
        return rendition, None
    return None, accepted.content_format() if is_look else None


def _published(path: tuple[str, ...], query: tuple[str, ...], name: str) -> DeviceRequest:
    """A request of version 1: what are options there is in the query here."""
    if path == DEVICE_ID_PATH:
        method = _method(name, "device-id")
        request = CoapRequest(b"", method, path, query)
        return DeviceRequest(request, needed_verbs(request), "device-id")
    given = dict(part.partition("=")[::2] for part in query)
    unknown = sorted(given.keys() - {"action", "uid"})
    if unknown or len(given) < len(query):
        raise bad_request("query: action and uid, each once, are all that is known here")
    action = ACTIONS.get(given.get("action", ""))
    if action is None:
        raise bad_request(f"query: action is none of {', '.join(ACTIONS)}")
    options = [(int(Option.ACTION), to_uint(int(action)))]
    if "uid" in given:
        options.append((int(Option.UID), _uid(given["uid"])))
    row = ROWS[action]
    if _METHODS.get(name) is not row.method:
        raise _not_allowed(name, row.method.name.replace("GET", "GET, HEAD"))
    request = CoapRequest(b"", row.method, path, (), tuple(options))
    return DeviceRequest(
        request,
        needed_verbs(request),
        "published",
        rendition=rendition_for(request, None),
        takes_bundle=action is Action.LOAD,
    )


def _with_options(
    request: CoapRequest, headers: Mapping[str, str], kind: str
) -> tuple[CoapRequest, Rendition | None]:
    """A request with the options that header fields mean, and what makes JSON of its answer."""
    options: list[tuple[int, bytes]] = []
    if request.method in (Method.PUT, Method.POST) and "content-type" in headers:
        number = content_format_of(headers["content-type"])
        options.append((int(Option.CONTENT_FORMAT), to_uint(number)))
    options += [(int(Option.IF_MATCH), tag) for tag in _tags(headers, "if-match")]
    is_look = request.method is Method.GET
    for tag in _tags(headers, "if-none-match"):
        if is_look and tag:
            options.append((int(Option.ETAG), tag))
        elif not is_look and not tag:
            options.append((int(Option.IF_NONE_MATCH), b""))
        elif not is_look:
            raise bad_request("If-None-Match: of a change, * is all that a device knows")
    accepted = AcceptedTypes.parse(headers.get("accept"))
    rendition, wanted = _choose_form(kind, accepted, is_look=is_look)
    if wanted is not None:
        options.append((int(Option.ACCEPT), to_uint(wanted)))
    return replace(request, options=tuple(options)), rendition


def _tags(headers: Mapping[str, str], name: str) -> list[bytes]:
    """The entity tags of a header field that a device can have given; an empty one for ``*``.

    Raises:
        HttpRefused: they are too many, or the request is for another state than any device has.
    """
    if name not in headers:
        return []
    entries = [entry.strip() for entry in headers[name].split(",")]
    if len(entries) > MAX_ETAGS:
        raise bad_request(f"{name}: has more than {MAX_ETAGS} tags")
    # A weak tag is of no use for a change, whose condition is compared strongly (RFC 9110, 13.1.1).
    is_strong = name == "if-match"
    read = [_tag(entry if is_strong else entry.removeprefix("W/")) for entry in entries]
    tags = [tag for tag in read if tag is not None]
    if is_strong and not tags:
        raise HttpRefused(412, "precondition-failed", f"{name}: no device has such a tag")
    return tags


def _tag(text: str) -> bytes | None:
    """An entity tag; an empty one for ``*``, None for one that no device has given."""
    if text == "*":
        return b""
    digits = text[1:-1]
    is_quoted = len(text) >= 2 and text[0] == text[-1] == '"'
    try:
        tag = bytes.fromhex(digits) if is_quoted and digits.isalnum() else b""
    except ValueError:
        tag = b""
    return tag if 1 <= len(tag) <= MAX_ETAG_BYTES else None


def _take_blob(query: tuple[str, ...], method: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The hash of a blob in the query, which is for the gateway, and the rest of the query."""
    found = [part for part in query if part.startswith(_BLOB)]
    if not found:
        return None, query
    if len(found) > 1 or method not in ("PUT", "POST"):
        raise bad_request("query: blob stands for the payload of a PUT or a POST, once")
    digest = read_sha256(found[0].removeprefix(_BLOB))
    return digest, tuple(part for part in query if part != found[0])


def read_sha256(digits: str) -> bytes:
    """A SHA-256 in hexadecimal digits.

    Raises:
        HttpRefused: it is none.
    """
    try:
        found = bytes.fromhex(digits) if digits.isalnum() else b""
    except ValueError:
        found = b""
    if len(found) != 32:
        raise bad_request("a blob has a SHA-256 of 64 hexadecimal digits")
    return found


def _uid(digits: str) -> bytes:
    try:
        uid = bytes.fromhex(digits) if digits.isalnum() else b""
    except ValueError:
        uid = b""
    if not 1 <= len(uid) <= MAX_UID_BYTES:
        raise bad_request("query: uid is not 1 to 63 bytes in hexadecimal digits")
    return uid


def _method(name: str, kind: str) -> Method:
    method = _METHODS.get(name)
    if method is None or name not in ALLOWED[kind].split(", "):
        raise _not_allowed(name, ALLOWED[kind])
    return method


def _not_allowed(name: str, allowed: str) -> HttpRefused:
    problem = f"{show(name, 20)} is not possible here"
    return HttpRefused(405, "method-not-allowed", problem, {"Allow": allowed})


def _split(text: str, separator: str, what: str) -> tuple[str, ...]:
    """The parts of a path or a query, with what is escaped in them.

    Raises:
        HttpRefused: there are too many, or one is no text that CoAP can have.
    """
    parts = text.split(separator)
    if len(parts) > MAX_URI_PARTS:
        raise bad_request(f"{what}: has more than {MAX_URI_PARTS} parts")
    found = []
    for part in parts:
        raw = unquote_to_bytes(part)
        if len(raw) > MAX_PART_BYTES:
            raise bad_request(f"{what}: a part has more than {MAX_PART_BYTES} bytes")
        try:
            found.append(raw.decode())
        except UnicodeDecodeError:
            raise bad_request(f"{what}: is not UTF-8 text") from None
    return tuple(found)


def _as_refused(refusal: CoapRefused) -> HttpRefused:
    """A refusal that the device would give as well, without asking it."""
    status = {Code.NOT_FOUND: 404, Code.METHOD_NOT_ALLOWED: 405}.get(refusal.code, 400)
    return HttpRefused(status, refusal.reason, refusal.problem)
