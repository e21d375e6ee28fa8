"""Sections of DWARF for pyelftools, which sets no bounds of its own.

A damaged tree can send the library to the same bytes again and again, so its sections count what is
read of them. Line tables, where one of its loops reads nothing at all, are read by `lines` instead.
"""

import io
import struct
from collections.abc import Mapping
from typing import Any, Final

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo

MAX_DWARF_BYTES: Final = 1 << 24
"""Of all sections together; what is larger is not read."""
MAX_RUN_BYTES: Final = 1 << 12
"""How far the library may look for the end of one name."""
_READS_PER_BYTE: Final = 10
"""Twice what the library reads of what compilers write."""
_LEAST_READS: Final = 1 << 16
_LEAST_OF_A_READ: Final = 8

PYELFTOOLS_ERRORS: Final = (
    DWARFError,
    ELFError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pyelftools raises when an object or its debug information is damaged."""

_USED: Final = {
    "debug_info_sec": ".debug_info",
    "debug_abbrev_sec": ".debug_abbrev",
    "debug_str_sec": ".debug_str",
    "debug_ranges_sec": ".debug_ranges",
    "debug_addr_sec": ".debug_addr",
    "debug_str_offsets_sec": ".debug_str_offsets",
    "debug_line_str_sec": ".debug_line_str",
    "debug_rnglists_sec": ".debug_rnglists",
    # The library looks into it for places of variables, which nobody asks for.
    "debug_loclists_sec": ".debug_loclists",
}
_UNUSED: Final = (
    "debug_line_sec",
    "debug_aranges_sec",
    "debug_frame_sec",
    "eh_frame_sec",
    "debug_loc_sec",
    "debug_pubtypes_sec",
    "debug_pubnames_sec",
    "debug_sup_sec",
    "gnu_debugaltlink_sec",
    "debug_types_sec",
)
SECTION_NAMES: Final = frozenset({*_USED.values(), ".debug_line"})
"""The sections that are of use here."""


class _Reads:
    """How much may still be read, of all sections together."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("the same bytes are read too often")


class _CountedBytes(io.BytesIO):
    """A section that counts what is read of it."""

    def __init__(self, content: bytes, reads: _Reads) -> None:
        super().__init__(content)
        self._reads = reads

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes; each read counts as a few at least, because it costs as much."""
        found = super().read(size)
        self._reads.spend(max(_LEAST_OF_A_READ, len(found)))
        return found


def open_dwarf(sections: Mapping[str, bytes], address_bytes: int) -> Any:
    """Give sections to pyelftools.

    Args:
        sections: untrusted contents by name; only `SECTION_NAMES` are used.
        address_bytes: length of an address, 4 or 8.

    Returns:
        A DWARFInfo, which raises one of `PYELFTOOLS_ERRORS` for damage and for too many reads; None
        if there is no tree of debug information, or more than `MAX_DWARF_BYTES`.
    """
    used = {name: sections[name] for name in _USED.values() if name in sections}
    total_bytes = sum(map(len, used.values()))
    if not {".debug_info", ".debug_abbrev"} <= set(used) or total_bytes > MAX_DWARF_BYTES:
        return None
    if any(_has_endless_name(used.get(name, b"")) for name in (".debug_str", ".debug_line_str")):
        return None
    reads = _Reads(_LEAST_READS + _READS_PER_BYTE * total_bytes)
    described = {
        parameter: _describe(name, used.get(name), reads) for parameter, name in _USED.items()
    }
    config = DwarfConfig(
        little_endian=True, machine_arch="unknown", default_address_size=address_bytes
    )
    return DWARFInfo(config=config, **described, **dict.fromkeys(_UNUSED))


def _describe(name: str, content: bytes | None, reads: _Reads) -> Any:
    if content is None:
        return None
    return DebugSectionDescriptor(
        stream=_CountedBytes(content, reads),
        name=name,
        global_offset=0,
        size=len(content),
        address=0,
    )


def _has_endless_name(content: bytes) -> bool:
    """Whether a name is so long that reading it at each mention would take long."""
    return any(len(run) > MAX_RUN_BYTES for run in content.split(b"\0"))
