"""Plays a case against an implementation and holds what happens against what the case expects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.fields import uid_from_text
from tinycontainer.files.toml_file import Table
from tinycontainer.metadata import Bundle
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, Profile, Role

from . import protocol
from .case import Case, Step
from .description import EPOCH_S
from .errors import CaseError, ProtocolError
from .expectations import check
from .peer import Peer
from .protocol import EventReply, HelloReply, Refused, StateReply
from .recipes import key_of

_Reply = TypeVar("_Reply", bound=Table)
_PER_ADVANCE: Final = 5
"""Seconds that an implementation may take per second of the device's time, beside the timeout."""
_BYTES_PER_REQUEST: Final = 1 << 12


class Failure(Exception):
    """An implementation does not do what a case expects.

    Attributes:
        step: number of the step, from 1; 0 before the first.
    """

    def __init__(self, step: int, problem: str) -> None:
        super().__init__(f"step {step}: {problem}" if step else problem)
        self.step = step


@dataclass(frozen=True, slots=True)
class Variant:
    """Under which policy and profile a case is played."""

    policy: Policy
    profile: Profile

    def __str__(self) -> str:
        return f"{self.policy.value}, {self.profile.value}"


def greet(peer: Peer, timeout_s: float) -> HelloReply:
    """Begin a conversation.

    Raises:
        ProtocolError: the answer is not what the protocol says.
        Unsupported: another version of the protocol is spoken there.
    """
    request = {"verb": "hello", "protocol": protocol.PROTOCOL_VERSION}
    try:
        hello = protocol.parse_reply(peer.ask(request, timeout_s), HelloReply)
    except Refused as refused:
        raise ProtocolError(f"the implementation refuses to talk: {refused}") from None
    if hello.protocol != protocol.PROTOCOL_VERSION:
        raise ProtocolError(f"the implementation speaks protocol {hello.protocol}")
    return hello


@dataclass
class Trial:
    """One case in one variant against one implementation.

    Attributes:
        case: what is played.
        variant: how.
        peer: against whom.
        hello: what it said about itself.
        bundles: files of the directory ``bundles``.
        timeout_s: for one request.
    """

    case: Case
    variant: Variant
    peer: Peer
    hello: HelloReply
    bundles: Mapping[str, bytes]
    timeout_s: float
    happened: list[EventReply] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)

    def play(self) -> None:
        """Play the whole case.

        Raises:
            Failure: it does not go as it should.
            ProtocolError: the implementation does not keep to the protocol.
            Unsupported: the case is not for this implementation.
            CaseError: a bundle is missing.
        """
        self._ask("reset", protocol.NothingReply, device=self._device())
        for number, step in enumerate(self.case.steps, 1):
            try:
                problem = self._take(step)
            except ProtocolError as error:
                raise type(error)(f"step {number}: {error}") from None
            if problem is not None:
                raise Failure(number, problem)

    def _take(self, step: Step) -> str | None:
        """Take a step; what is wrong, or None."""
        if step.kind in ("log", "order", "states", "event"):
            self._fetch()
            return check(self, step)
        if step.state is not None:
            return self._check_state(step, step.state)
        try:
            self._do(step)
        except Refused as refused:
            return self._check_refusal(step, refused.reason)
        return None if step.refused is None else f"{_words(step)} was not refused"

    def _check_refusal(self, step: Step, reason: str) -> str | None:
        if step.refused is None:
            return f"{_words(step)} was refused: {reason}"
        if self.hello.reasons and step.refused != reason:
            return f"{_words(step)} was refused for {reason}, not for {step.refused}"
        return None

    def _check_state(self, step: Step, name: str) -> str | None:
        found = self._ask("state", StateReply, uid=self.case.uid(name).hex())
        for word, wanted, given in (
            ("state", step.now, found.state),
            ("last exit", step.why, found.last_exit),
            ("loops", step.loops, found.loops),
        ):
            if wanted is not None and wanted != given:
                return f"{show(name)}: {word} is {given}, not {wanted}"
        return None

    def _do(self, step: Step) -> None:
        nothing = protocol.NothingReply
        match step.kind:
            case "load":
                self._load(self._bundle(str(step.load)))
            case "bundle":
                self._ask("bundle", nothing, bundle=self._file(str(step.bundle)).hex())
            case "begin" | "end":
                self._ask(step.kind, nothing)
            case "section":
                size = step.size
                if size is None:
                    size = len(self._part(str(step.of), str(step.section)))
                self._ask("section", nothing, section=step.section, size=size)
            case "bytes_of":
                self._send_bytes(step)
            case "reconfigure":
                metadata = self._bundle(str(step.reconfigure)).metadata
                self._ask("reconfigure", nothing, metadata=metadata.hex())
            case "advance":
                ms = step.advance or 0
                self._ask("advance", nothing, ms=ms, more_s=ms / 1000 * _PER_ADVANCE)
            case verb:
                self._ask(verb, nothing, uid=self.case.uid(str(getattr(step, verb))).hex())

    def _load(self, bundle: Bundle) -> None:
        self._ask(
            "load",
            protocol.NothingReply,
            metadata=bundle.metadata.hex(),
            code=bundle.code.hex(),
            data=bundle.data.hex(),
        )

    def _send_bytes(self, step: Step) -> None:
        content = self._part(str(step.bytes_of), str(step.part))
        first, last = step.take or (0, len(content))
        content = content[first:last]
        for at in range(0, len(content), _BYTES_PER_REQUEST):
            chunk = content[at : at + _BYTES_PER_REQUEST]
            self._ask("bytes", protocol.NothingReply, bytes=chunk.hex())

    def _part(self, name: str, part: str) -> bytes:
        content: bytes = getattr(self._bundle(name), part)
        return content

    def _bundle(self, name: str) -> Bundle:
        content = self._file(name)
        return Bundle.decode(content, len(content))

    def _file(self, name: str) -> bytes:
        recipe = next(each for each in self.case.containers if each.name == name)
        file = self.case.bundle_name(recipe, self.variant.profile)
        if file not in self.bundles:
            raise CaseError(f"{self.case.id}: the bundle {file} is missing")
        return self.bundles[file]

    def _fetch(self) -> None:
        self.happened += self._ask("events", protocol.EventsReply).events
        if len(self.happened) > protocol.MAX_EVENTS:
            raise ProtocolError(f"the implementation: more than {protocol.MAX_EVENTS} events")

    def _ask(self, verb: str, model: type[_Reply], more_s: float = 0, **values: object) -> _Reply:
        line = self.peer.ask({"verb": verb, **values}, self.timeout_s + more_s)
        try:
            return protocol.parse_reply(line, model)
        except Refused:
            if verb in ("reset", "state", "events", "advance"):
                raise ProtocolError(f"the implementation: {verb} cannot be refused") from None
            raise

    def _device(self) -> dict[str, Any]:
        """The whole description of the case's device."""
        recipe, profile = self.case.device, self.variant.profile
        accepted = recipe.accept or [profile]
        values: dict[str, Any] = recipe.model_dump(
            mode="json", exclude={"accept", "hmac", "without", "key_uids"}
        )
        for driver in values["drivers"]:
            driver["uids"] = _as_hex(driver["uids"])
        keys = [
            self._key(role, each)
            for each in accepted
            for role in Role
            if role not in recipe.without
        ]
        return values | {
            "policy": self.variant.policy.value,
            "profiles": [each.value for each in accepted],
            "epoch_s": EPOCH_S,
            "keys": keys,
        }

    def _key(self, role: Role, profile: Profile) -> dict[str, Any]:
        hmac = role in self.case.device.hmac
        key = key_of(role, profile, hmac=hmac)
        return {
            "role": role.value,
            "profile": profile.value,
            "algorithm": (Algorithm.HMAC_256 if hmac else Algorithm.EDDSA).value,
            "key": (key.hmac_key if hmac else key.public).hex(),
            "uids": _as_hex(self.case.device.key_uids),
        }


def _as_hex(uids: list[str] | None) -> list[str] | None:
    return None if uids is None else [uid_from_text(uid).hex() for uid in uids]


def _words(step: Step) -> str:
    value = getattr(step, step.kind)
    return step.kind if value is True else f"{step.kind} {show(str(value), 60)}"
