"""The C firmware: what it takes, and cannot run or start, or runs only at a cost."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tinycontainer.device.containers.limits import BOARDS
from tinycontainer.device.containers.verification import Trust
from tinycontainer.interfaces.runtime import Hook
from tinycontainer.metadata import ContainerType, token_places
from tinycontainer.text import show
from tinycontainer_tokens import Algorithm, KeyStore, Profile
from tinycontainer_tokens.envelope import parse_if_possible, proof_holds

from ..artefact.artefact import Artefact
from ..firmware.board import RIOT_BOARD
from ..firmware.c_header import is_c_identifier
from .rule import Chapter, Finding, Rule, Severity
from .subject import Audit, AuditSubject, CodeTools, Host, gather_subject

NO_HOOK: Final = Rule(
    "TCL606",
    Severity.ERROR,
    "The code lacks a hook that the C firmware calls; its WAMR crashes then (riot-2024).",
    "Export the hook, if only as an empty function.",
)
WHOLE_PAGE: Final = Rule(
    "TCL701",
    Severity.WARNING,
    "The C firmware's WAMR gives the code a whole page of memory or more (riot-2024).",
    "Link with --export=__heap_base --export=__data_end, and do not grow the memory.",
)
ONE_KEY: Final = Rule(
    "TCL702",
    Severity.ERROR,
    "The C firmware verifies all tokens with one Ed25519 key, so not all of these (riot-2024).",
    "Have all parts signed with one Ed25519 key; keygen --one-key makes it.",
)
C_NAME: Final = Rule(
    "TCL703",
    Severity.ERROR,
    "The C firmware's build makes C names of the directory's, and this one cannot be one.",
    "Name the directory by letters, digits and underscores, no digit first.",
)
UID: Final = Rule(
    "TCL704",
    Severity.WARNING,
    "The C firmware's shell takes the directory's name for the uid, and this uid is another.",
    "Give directory and uid one name, or start the container over the network.",
)

_BOUNDS: Final = ("__heap_base", "__data_end")
"""WAMR ends linear memory at the former if both are exported and nothing grows the memory."""


def check_firmware(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    """Judge what only matters where the C firmware runs."""
    layout = subject.artefact.layout
    if layout is not None:
        yield from _check_name(layout.directory.resolve().name, subject)
    if audit.is_riot(subject):
        yield from _check_hooks(subject)
        yield from _check_memory(subject)
        yield from _check_keys(audit, subject)


def audit_for_firmware(
    artefact: Artefact, keys: KeyStore | None, tools: CodeTools
) -> tuple[Finding, ...]:
    """Judge one container by this chapter alone, as one that is to be sent to the firmware.

    Args:
        artefact: the container.
        keys: of those who signed it, if they are known.
        tools: what to look at code with.
    """
    board = BOARDS[RIOT_BOARD]
    trust = None if keys is None else Trust(keys, (Profile.RIOT_2024,))
    subject = gather_subject(artefact, Path(artefact.name), board, tools)
    host = Host(f"board {RIOT_BOARD}", capacity=board, trust=trust)
    audit = Audit((subject,), host, 0, Profile.RIOT_2024)
    return tuple(check_firmware(audit, subject))


def _check_name(directory: str, subject: AuditSubject) -> Iterator[Finding]:
    if not is_c_identifier(directory):
        yield C_NAME.finding("directory", f"{show(directory)} is no C identifier")
    if subject.uid != os.fsencode(directory):
        yield UID.finding("directory", f"{show(directory)}; the uid is {subject.shown}")


def _check_hooks(subject: AuditSubject) -> Iterator[Finding]:
    if subject.metadata.container.type is ContainerType.BPF:
        return  # the firmware calls nothing but its loop, which all rBPF code has
    for hook in Hook:
        if subject.facts is not None and hook not in subject.facts.hooks:
            yield NO_HOOK.finding("code", f"{hook} is not exported; the firmware calls it")


def _check_memory(subject: AuditSubject) -> Iterator[Finding]:
    facts = subject.facts
    if facts is None or subject.metadata.container.type is not ContainerType.WASM:
        return
    if facts.memory_bytes == 0:
        return
    missing = [name for name in _BOUNDS if name not in facts.exported_globals]
    if missing:
        reason = f"{' and '.join(missing)} not exported"
    elif facts.grows_memory:
        reason = "the code grows its memory"
    else:
        return
    yield WHOLE_PAGE.finding("code", f"{facts.memory_bytes} bytes of linear memory: {reason}")


def _check_keys(audit: Audit, subject: AuditSubject) -> Iterator[Finding]:
    for token in subject.tokens:
        if token.profile is Profile.RIOT_2024 and token.algorithm is Algorithm.HMAC_256:
            yield ONE_KEY.finding(token.place, f"the {token.place} is made with HMAC")
    makers = _find_makers(audit, subject)
    if len(set(makers.values())) > 1:
        listed = ", ".join(f"{place} by {show(key.hex()[:8])}" for place, key in makers.items())
        yield ONE_KEY.finding("tokens", f"made with {len(set(makers.values()))} keys: {listed}")


def _find_makers(audit: Audit, subject: AuditSubject) -> dict[str, bytes]:
    """The public key that made each token, of those that the device knows, by the token's place."""
    trust = audit.host.trust
    makers: dict[str, bytes] = {}
    for place in token_places(subject.metadata):
        envelope = parse_if_possible(place.token or b"")
        if envelope is None or envelope.profile is not Profile.RIOT_2024 or trust is None:
            continue
        for entry in trust.keys:
            if entry.material.public and proof_holds(envelope, entry.material):
                makers[place.name] = entry.material.public
    return makers


CHAPTER: Final = Chapter((NO_HOOK, WHOLE_PAGE, ONE_KEY, C_NAME, UID), check_firmware)
