"""What the project requires of itself, as bounds of measured ratios."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A bound; of all rows that it is about, the worst counts.

    Attributes:
        text: what is required.
        question: of which rows.
        case: how their cases end.
        value: the number that is bounded, from a row.
        at_most: the bound.
    """

    text: str
    question: str
    case: str
    value: Callable[[Row], float]
    at_most: float

    def worst(self, rows: Sequence[Row]) -> float | None:
        """The largest number; None if nothing of it was measured."""
        numbers = [
            self.value(row)
            for row in rows
            if row["question"] == self.question and row["case"].endswith(self.case)
        ]
        return max(numbers, default=None)


def _median(ratio: str) -> Callable[[Row], float]:
    return lambda row: float(row["ratios"][ratio]["median"])


REQUIREMENTS: Final = (
    Requirement(
        "A loop of 16-byte reads on pywasm, by the same loop over a bare host function",
        "call",
        "read, pywasm",
        _median("loop"),
        1.15,
    ),
    Requirement(
        "The read alone, the loop taken off on both sides",
        "call",
        "read, pywasm",
        _median("call alone"),
        2.0,
    ),
    Requirement(
        "The same loop on wasmtime, by its bare host function in the same call mode",
        "call",
        "read, wasmtime",
        _median("loop"),
        1.4,
    ),
    Requirement(
        "A refused call, by an allowed one (every reason, every engine)",
        "refusal",
        "",
        _median("allowed"),
        1.1,
    ),
    Requirement(
        "Verifying and loading a small container, by four bare Ed25519 verifications and the bare"
        " engine's parsing and validating (pywasm)",
        "load",
        "pywasm",
        _median("both"),
        2.0,
    ),
    Requirement("The same, wasmtime", "load", "wasmtime", _median("both"), 2.0),
    Requirement(
        "Making a device and loading three containers from a shared installation, by the same from"
        " an installation of its own (pywasm)",
        "installation",
        "pywasm",
        _median("one of its own"),
        0.4,
    ),
    Requirement("The same, wasmtime", "installation", "wasmtime", _median("one of its own"), 0.15),
    Requirement(
        "A decision among 10,000 containers, by one among 10, both policies",
        "decision",
        "",
        _median("with 10 containers"),
        3.0,
    ),
    Requirement(
        "Memory of an idle container on pywasm, by a bare instance of the same module",
        "memory",
        "",
        lambda row: float(row["facts"]["bytes"] / row["facts"]["bare_bytes"]),
        1.25,
    ),
    Requirement(
        "Tracing that nobody listens to, by the path with event building taken out (every engine)",
        "tracing: nobody listens",
        "",
        _median("events taken out"),
        1.05,
    ),
    Requirement(
        "A management call of a device with a state file, by the same without one and a bare commit"
        " of SQLite",
        "state: calls",
        "",
        _median("both"),
        1.2,
    ),
    Requirement(
        "Restoring eight containers, by loading them",
        "state: boot",
        "",
        _median("loaded"),
        1.3,
    ),
    Requirement(
        "A GET of a container's state, by one of a bare resource of aiocoap that answers as much"
        " (processor time of the server)",
        "agent: GET",
        "",
        _median("bare resource"),
        1.5,
    ),
    Requirement(
        "A bundle of 64 KiB that is put in blocks, by a bare PUT of aiocoap and loading it"
        " (processor time of the server)",
        "agent: upload",
        "",
        _median("both"),
        1.5,
    ),
    Requirement(
        "An agent with one container of a loop a second, by one core",
        "agent: idle",
        "",
        _median("a core"),
        0.01,
    ),
    Requirement(
        "Milliseconds until a GET is answered beside an endless loop on pywasm, 99th percentile",
        "agent: latency",
        "",
        lambda row: float(row["facts"]["percentile_99_ms"]),
        60,
    ),
    Requirement(
        "A GET through a gateway to a device, by one and a half of the same GET sent directly and"
        " 1 ms (unprotected and by OSCORE)",
        "gateway: GET",
        "",
        _median("one and a half and 1 ms"),
        1.0,
    ),
    Requirement(
        "Milliseconds of processor time of a gateway for a cached GET, JSON and CBOR",
        "gateway: cached GET",
        "",
        lambda row: float(row["seconds"]["gateway"]["median"]) * 1000,
        0.5,
    ),
    Requirement(
        "Megabytes of a gateway with 1,000 registered devices and 200 open streams",
        "gateway: event",
        "",
        lambda row: float(row["facts"]["megabytes"]),
        250,
    ),
    Requirement(
        "A job that ends at a platform with 1,000 and with 10,000 devices, by one with 100",
        "platform: job",
        "",
        _median("100 devices"),
        1.25,
    ),
    Requirement(
        "Writing what a device has said, likewise",
        "platform: look",
        "",
        _median("100 devices"),
        1.25,
    ),
    Requirement(
        "Collecting an empty project by pytest where the project is installed, by the same without"
        " its plugin (processor time)",
        "plugin",
        "",
        _median("without the plugin"),
        1.05,
    ),
)
