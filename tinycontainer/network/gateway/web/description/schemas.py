"""JSON schemas of what the gateway answers. More fields may come with a later version."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from ...directory.presence import Presence
from ...gateway_file import NAME
from ...job import JobState
from ..problems import TYPE

Schema: TypeAlias = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
YES_OR_NO: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
PERCENT: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 100}
SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DEVICE_NAME: Final[Schema] = {"type": "string", "pattern": f"^{NAME}$"}
JOB_ID: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}


def explain(schema: Schema, description: str) -> Schema:
    """A schema with words."""
    return {**schema, "description": description}


def or_null(schema: Schema) -> Schema:
    """A schema that lets null be there as well."""
    return {**schema, "type": [schema["type"], "null"]}


def one_of(*values: str) -> Schema:
    """A text that is one of these."""
    return {"type": "string", "enum": [*values]}


def array(items: Schema) -> Schema:
    """An array of these."""
    return {"type": "array", "items": items}


def record(fields: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object.

    Args:
        fields: that it always has.
        optional: that it can have.
    """
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": [*fields],
    }


def reference(name: str) -> Schema:
    """A schema of `SCHEMAS`, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


_TIME: Final = explain(NUMBER, "Unix time in seconds.")
_SHOWN: Final = explain(TEXT, "Printable ASCII; a backslash begins an escape.")

_LISTED: Final = record(
    {
        "name": DEVICE_NAME,
        "groups": array(DEVICE_NAME),
        "presence": one_of(*Presence),
        "protected": explain(YES_OR_NO, "Whether device and gateway share an OSCORE context."),
        "heard_s": explain(NUMBER, "Unix time of its last sign of life; 0 if there was none."),
        "back_s": explain(
            or_null(NUMBER), "In how many seconds it is expected; null if it is gone."
        ),
        "jobs": explain(COUNT, "How many wait for it."),
    },
    {
        "base": explain(TEXT, "Its URI; missing if it has never registered, like all below."),
        "registered_s": _TIME,
        "lifetime_s": COUNT,
        "sleep_s": explain(COUNT, "For how long it sleeps at the most; 0 if it never does."),
        "awake_s": explain(COUNT, "For how long it can be reached after it was heard."),
    },
)
_DEVICE: Final = record(
    {
        "id": explain(_SHOWN, "Empty if it has none."),
        "slots": COUNT,
        "free_slots": COUNT,
        "metadata_bytes": COUNT,
        "code_bytes": COUNT,
        "data_bytes": COUNT,
        "boots": COUNT,
        "time_s": explain(COUNT, "Unix time of the device."),
        "newest_event": COUNT,
    }
)
_CONTAINER: Final = record(
    {
        "slot": COUNT,
        "uid": _SHOWN,
        "state": explain(TEXT, "READY, RUNNING, STOPPING or DELETING."),
        "loops": COUNT,
        "last_exit": explain(_SHOWN, "Empty if no start has ended."),
        "bundle": explain(SHA256, "SHA-256 of its bundle."),
    },
    {
        "execution_ns": explain(COUNT, "Missing in answers of older devices, like all below."),
        "execution_ms": NUMBER,
        "share_percent": PERCENT,
        "instructions": COUNT,
        "peak_memory_bytes": COUNT,
        "calls": COUNT,
        "refusals": COUNT,
        "deadline_misses": COUNT,
        "skipped_periods": COUNT,
        "idle_percent": PERCENT,
    },
)
_EVENT: Final[Schema] = {
    "description": "What the device has recorded; a text if it is no JSON.",
}
_EVENTS: Final = record(
    {
        "newest": explain(COUNT, "Number of the newest event."),
        "events": array(record({"number": COUNT, "event": _EVENT})),
    }
)
_UPDATE: Final = record(
    {
        "state": one_of("none", "fetching", "done", "repeated", "refused"),
        "count": explain(COUNT, "Updates since the boot."),
        "uids": array(_SHOWN),
        "sequence": COUNT,
        "digest": explain(TEXT, "SHA-256 of its manifest; empty if it is not known."),
        "reason": TEXT,
        "problem": TEXT,
    }
)
_CHECK: Final = record(
    {
        "check": TEXT,
        "holds": explain(or_null(YES_OR_NO), "Null if it was not made."),
        "problem": TEXT,
    }
)
_PUBLISHED: Final = record({"uid": TEXT, "running": YES_OR_NO})
_JOB: Final = record(
    {
        "id": JOB_ID,
        "device": DEVICE_NAME,
        "state": one_of(*JobState),
        "method": one_of("GET", "POST", "PUT", "DELETE"),
        "path": explain(TEXT, "Empty if it is protected from end to end."),
        "protected": YES_OR_NO,
        "created_s": _TIME,
        "deadline_s": explain(NUMBER, "Unix time after which it is not sent any more."),
        "ended_s": explain(NUMBER, "Unix time of its end; 0 until then."),
        "attempts": COUNT,
        "code": explain(TEXT, "Of the device's answer, such as 2.04; empty until then."),
    }
)
_BLOB: Final = record({"sha256": SHA256, "bytes": COUNT})
_PROBLEM: Final = record(
    {
        "type": {"type": "string", "pattern": f"^{TYPE}[a-z0-9-]+$"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": explain(TEXT, "What exactly, and what to do."),
    },
    {
        "code": explain(
            {"type": "string", "pattern": r"^[45]\.[0-9]{2}$"},
            "Of the device's answer; missing if it is the gateway that refuses.",
        )
    },
)

SCHEMAS: Final[Mapping[str, Schema]] = {
    "ListedDevice": explain(_LISTED, "A device as the gateway knows it."),
    "Device": explain(_DEVICE, "A device as it describes itself."),
    "Container": explain(_CONTAINER, "A container of a device."),
    "Events": explain(_EVENTS, "Events of a device, in rising order."),
    "Update": explain(_UPDATE, "The last update since the boot of a device."),
    "Check": explain(_CHECK, "A check of a load that was judged."),
    "Published": explain(_PUBLISHED, "Whether a container runs, by version 1."),
    "Job": explain(_JOB, "A request that waits for its device."),
    "Blob": explain(_BLOB, "A payload that is kept."),
    "Problem": explain(_PROBLEM, "Why a request was refused (RFC 9457)."),
}
"""By name."""
