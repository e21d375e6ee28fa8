"""Packs a container, reads it as ``lint`` does, and lists what ``lint`` finds, in one line each."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from support.wasm import modules as wasm
from support.worlds import KEYS, blueprint, times
from tinycontainer.assembly import Installation
from tinycontainer.interfaces.syscalls import Syscall, mask_of
from tinycontainer.metadata import Bundle, ContainerType, Endpoint, Metadata, Security, decode
from tinycontainer.tools.artefact.artefact import Artefact
from tinycontainer.tools.lint import (
    Audit,
    AuditSubject,
    CodeTools,
    Finding,
    Host,
    audit_containers,
    gather_subject,
)
from tinycontainer.tools.packing.packing import Blueprint, TokenOptions, pack, pack_unsigned
from tinycontainer_runtimes.wasm_pywasm import create_runtime
from tinycontainer_tokens import Profile

NOW_S = 1_800_000_000
DESK = Host("board default")
TOOLS = CodeTools(Installation().analysers(), {ContainerType.WASM: create_runtime()})
LIMITED = times(start=10, period=1000, loop=10, stop=10)
"""Durations with which nothing is wrong."""

ARGUMENTS = {"open": 1, "close": 1, "read": 3, "write": 3, "data_read": 3, "logger": 1}
SILENT = {"logger"}


def calls(*names: str, opens: Sequence[int] = (), hooks: str = "") -> bytes:
    """A module whose loop calls natives, and opens endpoints by constants."""
    body = ""
    for name in names:
        body += "i32.const 0 " * ARGUMENTS.get(name, 0) + f"call ${name} "
        body += "" if name in SILENT else "drop "
    for endpoint_id in opens:
        body += f"i32.const {endpoint_id} call $open drop "
    uses = tuple(dict.fromkeys([*names, *(["open"] if opens else [])]))
    exports = '(func (export "start")) (func (export "stop"))'
    return wasm.loop(f"{body} i32.const 0", hooks or exports, uses=uses)


def mask(*names: str) -> int:
    """The mask that allows calls by their names."""
    return mask_of(Syscall[name.upper()] for name in names)


def plan(
    uid: str = "box",
    *,
    kind: ContainerType = ContainerType.WASM,
    allows: int = 0,
    endpoints: tuple[Endpoint, ...] = (),
    security: Security = LIMITED,
    priority: int | None = None,
    period_max_ms: int | None = None,
    profile: Profile = Profile.RFC9052,
    options: TokenOptions | None = None,
) -> Blueprint:
    """A container to be packed; by default one with which nothing is wrong."""
    made = blueprint(
        uid,
        kind=kind,
        mask=allows,
        endpoints=endpoints,
        security=security,
        priority=priority,
        period_max_ms=period_max_ms,
        profile=profile,
    )
    return made if options is None else replace(made, options=options)


def subject(
    made: Blueprint, code: bytes | None = None, data: bytes = b"", *, host: Host = DESK
) -> AuditSubject:
    """A container, signed with the test keys, as lint reads it; b"" for no code at hand."""
    code = calls() if code is None else code
    return read(pack(made, code, data, KEYS), host=host)


def unsigned(made: Blueprint, code: bytes, data: bytes = b"") -> AuditSubject:
    """A container without tokens, as lint reads it."""
    return read(pack_unsigned(made, code, data))


def read(bundle: Bundle, *, host: Host = DESK, name: str = "box.tcb") -> AuditSubject:
    """A bundle, as lint reads it; without code if that is empty."""
    return judged(decode(bundle.metadata), bundle.code or None, bundle.data, host=host, name=name)


def judged(
    metadata: Metadata,
    code: bytes | None,
    data: bytes | None = b"",
    *,
    host: Host = DESK,
    name: str = "box.tcb",
) -> AuditSubject:
    """Metadata and sections, as lint reads them."""
    return gather_subject(Artefact(name, metadata, code, data), Path(name), host.capacity, TOOLS)


def findings(
    *subjects: AuditSubject,
    host: Host = DESK,
    now_s: int = NOW_S,
    profile: Profile | None = None,
) -> tuple[Finding, ...]:
    """What the audit of containers finds."""
    return audit_containers(Audit(subjects, host, now_s, profile))


def ids(*subjects: AuditSubject, host: Host = DESK, profile: Profile | None = None) -> list[str]:
    """The rules under which something is found, in the order of the findings."""
    return [finding.rule.id for finding in findings(*subjects, host=host, profile=profile)]


def message(rule: str, *subjects: AuditSubject, host: Host = DESK, now_s: int = NOW_S) -> str:
    """The message of the one finding under a rule."""
    (finding,) = (
        each for each in findings(*subjects, host=host, now_s=now_s) if each.rule.id == rule
    )
    return finding.message
