"""Faults that the conformance suite must catch: each changes one line of the device."""

import sys
from dataclasses import dataclass
from functools import partial

from support.conformance.cases import bundles
from support.project import ROOT
from tinycontainer.conformance.judging.suite import Suite
from tinycontainer.conformance.peer import ProcessPeer

FAULTY_SHIM = ROOT / "tests" / "conformance" / "faulty_shim.py"


@dataclass(frozen=True)
class Fault:
    """One line of the device, and how it is wrong.

    Attributes:
        name: what the faulty device does.
        clause: what it breaks.
        module: where the line is.
        right: the line, or a part of it that is nowhere else in the module.
        wrong: what replaces it.
    """

    name: str
    clause: str
    module: str
    right: str
    wrong: str

    def suite(self) -> Suite:
        """The suite, for a device with this fault."""
        command = (sys.executable, str(FAULTY_SHIM), self.module, self.right, self.wrong)
        return Suite(partial(ProcessPeer, command), bundles(), timeout_s=60)


FAULTS = [
    Fault(
        "closes foreign descriptors",
        "TC-CALL-11",
        "tinycontainer.device.calls.service",
        "if entry is None or entry.owner != caller.uid:",
        "if entry is None:",
    ),
    Fault(
        "reads foreign descriptors",
        "TC-CALL-11",
        "tinycontainer.device.calls.service",
        "and entry.owner == caller.uid\n            and entry.readable",
        "and entry.readable",
    ),
    Fault(
        "takes the direction for the container's",
        "TC-CALL-10",
        "tinycontainer.metadata.model",
        "return self is not Direction.IN",
        "return self is not Direction.OUT",
    ),
    Fault(
        "forgets a bit of the mask",
        "TC-CALL-01",
        "tinycontainer.interfaces.syscalls",
        'return int.from_bytes(encoded, "big")',
        'return int.from_bytes(encoded, "big") | 1 << 3',
    ),
    Fault(
        "reads the mask from its first byte",
        "TC-TOK-10",
        "tinycontainer.interfaces.syscalls",
        'return int.from_bytes(encoded, "big")',
        'return int.from_bytes(encoded, "little")',
    ),
    Fault(
        "accepts a duplicate uid",
        "TC-LOAD-05",
        "tinycontainer.device.containers.memory",
        "if uid in self._by_uid:",
        "if False:",
    ),
    Fault(
        "counts the period from the loop's end",
        "TC-SCHED-08",
        "tinycontainer.device.running.pacing",
        "at_ns = planned_ns + period_ns",
        "at_ns = now_ns + period_ns",
    ),
    Fault(
        "makes up for missed periods",
        "TC-SCHED-09",
        "tinycontainer.device.running.pacing",
        "if at_ns >= now_ns:",
        "if True:",
    ),
    Fault(
        "grants one loop too many",
        "TC-LIFE-05",
        "tinycontainer.device.running.execution",
        "loops_begun >= lifetime",
        "loops_begun > lifetime",
    ),
    Fault(
        "lets overruns pass",
        "TC-SCHED-12",
        "tinycontainer.device.running.execution",
        "self.used_ns > self.limit_ns",
        "self.used_ns > 2 * self.limit_ns",
    ),
    Fault(
        "goes on after a failed start hook",
        "TC-LIFE-06",
        "tinycontainer.device.running.execution",
        "if isinstance(outcome, Trapped):\n        if outcome.code == CREATION_FAILED",
        "if isinstance(outcome, Trapped) and hook is not Hook.START:\n"
        "        if outcome.code == CREATION_FAILED",
    ),
    Fault(
        "leaves descriptors open when a start ends",
        "TC-CALL-17",
        "tinycontainer.device.running.executor",
        "self._service.close_all(execution.started)",
        "pass",
    ),
    Fault(
        "reads no bytes",
        "TC-CALL-09",
        "tinycontainer.device.calls.service",
        "and 0 < size <= self._transfer_bytes",
        "and 0 <= size <= self._transfer_bytes",
    ),
    Fault(
        "opens an endpoint twice",
        "TC-CALL-06",
        "tinycontainer.device.calls.endpoint_table",
        "return any(entry.endpoint.endpoint_id == endpoint_id for entry in self.of(owner))",
        "return False",
    ),
    Fault(
        "runs the stop hook of who was killed",
        "TC-LIFE-09",
        "tinycontainer.device.containers.lifecycle",
        "Transition(_S.RUNNING, _E.KILL, _S.STOPPING, stop_hook_aborted=True)",
        "Transition(_S.RUNNING, _E.KILL, _S.STOPPING)",
    ),
    Fault(
        "forgets that a running container is to be deleted",
        "TC-LIFE-10",
        "tinycontainer.device.containers.lifecycle",
        "Transition(_S.RUNNING, _E.DELETE, _S.STOPPING, delete_pending=True)",
        "Transition(_S.RUNNING, _E.DELETE, _S.STOPPING)",
    ),
    Fault(
        "does not look at a token's kind",
        "TC-TOK-11",
        "tinycontainer_tokens.verify",
        "if found is not self._expected.kind:",
        "if False:",
    ),
    Fault(
        "takes tokens of other containers",
        "TC-TOK-11",
        "tinycontainer_tokens.verify",
        "if self._bound_claims().uid != self._expected.uid:",
        "if False:",
    ),
    Fault(
        "takes any trusted key for any role",
        "TC-TOK-01",
        "tinycontainer_tokens.keys",
        "if entry.role is role\n            and entry.profile",
        "if entry.profile",
    ),
    Fault(
        "lets old tokens come back",
        "TC-TOK-18",
        "tinycontainer_tokens.sequences",
        "if recorded is None or wanted.sequence > recorded.sequence or wanted == recorded:",
        "if True:",
    ),
    Fault(
        "takes a token in the second of its expiry",
        "TC-TOK-13",
        "tinycontainer_tokens.verify",
        "now_s >= claims.expires_s",
        "now_s > claims.expires_s",
    ),
    Fault(
        "keeps the mask when its token expires",
        "TC-TOK-28",
        "tinycontainer.device.containers.verification",
        "mask=0 if any(expiry.kind is Kind.MASK for expiry in expired) else self.mask",
        "mask=self.mask",
    ),
    Fault(
        "lets a hook in progress finish before its mask ends",
        "TC-TOK-28",
        "tinycontainer.device.running.scheduler",
        "(self._alarms.first_ns(), Bound.ALARM)",
        "(None, Bound.ALARM)",
    ),
    Fault(
        "leaves endpoints open when their tokens expire",
        "TC-TOK-29",
        "tinycontainer.device.running.executor",
        "if Kind.ENDPOINT in kinds:",
        "if False:",
    ),
    Fault(
        "opens endpoints whose tokens have expired",
        "TC-TOK-29",
        "tinycontainer.device.calls.service",
        "if endpoint_id in caller.container.grant.expired_endpoints:",
        "if False:",
    ),
    Fault(
        "runs what its metadata token no longer covers",
        "TC-TOK-30",
        "tinycontainer.device.running.executor",
        "if kinds - {Kind.MASK, Kind.ENDPOINT} and",
        "if False and",
    ),
    Fault(
        "does not look when new tokens expire",
        "TC-TOK-31",
        "tinycontainer.device.running.executor",
        "self._watch_expiry(execution)\n            execution.timing_changed",
        "execution.timing_changed",
    ),
    Fault(
        "never arms the watchdog",
        "TC-SCHED-16",
        "tinycontainer.device.calls.started",
        "self._armed = self._wanted",
        "self._armed = False",
    ),
    Fault(
        "watches who may not send heartbeats any more",
        "TC-SCHED-16",
        "tinycontainer.device.calls.natives",
        "self._caller.watchdog.disarm()",
        "pass",
    ),
    Fault(
        "misses no deadline",
        "TC-SCHED-10",
        "tinycontainer.device.running.pacing",
        "alarm_ns = None if gap_ns is None else gap_ns + 1",
        "alarm_ns = None",
    ),
    Fault(
        "joins pipes of the same direction",
        "TC-END-08",
        "tinycontainer.device.calls.pipes",
        "if answer.direction is not _COMPLEMENT[endpoint.direction]:",
        "if answer.direction is not endpoint.direction:",
    ),
    Fault(
        "opens pipes without consent",
        "TC-END-08",
        "tinycontainer.device.calls.pipes",
        "if answer.peer_uid != uid:",
        "if False:",
    ),
    Fault(
        "leaves revoked endpoints open",
        "TC-LIFE-18",
        "tinycontainer.device.calls.service",
        "if entry.endpoint not in kept:",
        "if False:",
    ),
    Fault(
        "links no call that a reconfiguration grants",
        "TC-LIFE-17",
        "tinycontainer.device.running.executor",
        "execution.natives.link()\n            self._watch_expiry(execution)",
        "self._watch_expiry(execution)",
    ),
    Fault(
        "takes sections beyond the capacity",
        "TC-LOAD-03",
        "tinycontainer.device.containers.memory",
        "if not 0 <= size_bytes <= limit_bytes:",
        "if size_bytes < 0:",
    ),
    Fault(
        "does not round up where data begins",
        "TC-LOAD-12",
        "tinycontainer.device.containers.memory",
        "(code_end + 3) // 4 * 4",
        "code_end",
    ),
    Fault(
        "does not free the slot of a refused load",
        "TC-LOAD-10",
        "tinycontainer.device.containers.controller",
        "self._memory.release(slot)\n            self._report",
        "self._memory._by_uid.pop(slot.uid, None)\n            self._report",
    ),
    Fault(
        "tells containers nothing of a driver's code",
        "TC-CALL-03",
        "tinycontainer.device.calls.service",
        "Refusal.DRIVER, problem, -code)",
        "Refusal.DRIVER, problem)",
    ),
    Fault(
        "ranks by priority under round-robin",
        "TC-SCHED-01",
        "tinycontainer.device.containers.limits",
        "return priority if self is Policy.PRIORITY else 0",
        "return priority",
    ),
    Fault(
        "takes code and data of a bundle for each other",
        "TC-META-19",
        "tinycontainer.metadata.codec",
        "return cls(*sections)",
        "return cls(sections[0], sections[2], sections[1])",
    ),
    Fault(
        "lets rBPF write its data section",
        "TC-BPF-10",
        "tinycontainer_runtimes.rbpf.memory",
        "content if isinstance(content, bytearray) else bytearray()",
        "bytearray(content)",
    ),
    Fault(
        "does not count the branches of rBPF",
        "TC-BPF-08",
        "tinycontainer_runtimes.rbpf.machine",
        "self._file[BRANCHES] = BRANCH_LIMIT",
        "self._file[BRANCHES] = 1 << 40",
    ),
    Fault(
        "lends kept models to other containers",
        "TC-TML-12",
        "tinycontainer_endpoints.tinyml.driver",
        "self._tenants.setdefault(uid, Tenant(self._terms))",
        'self._tenants.setdefault(b"", Tenant(self._terms))',
    ),
]
