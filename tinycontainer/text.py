r"""Show untrusted text so that it can do nothing but be read.

uids, log lines, file names and everything in a trace come from outside. A terminal, a log file and
JSON get them only in this form: printable ASCII as it is, everything else as ``\xNN`` of its UTF-8
bytes, a backslash doubled. The form is reversible and never holds a control character, an escape
sequence, a bidirectional mark or a look-alike letter.
"""

_PRINTABLE = {
    byte: "\\\\" if byte == ord("\\") else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    for byte in range(256)
}


def show(untrusted: bytes | str, limit_bytes: int | None = None) -> str:
    """Escape untrusted bytes or text.

    Args:
        untrusted: what to show.
        limit_bytes: longer input is cut and marked with an ellipsis of three full stops.
    """
    raw = untrusted.encode("utf-8", "surrogatepass") if isinstance(untrusted, str) else untrusted
    cut = limit_bytes is not None and len(raw) > limit_bytes
    shown = "".join(_PRINTABLE[byte] for byte in (raw[:limit_bytes] if cut else raw))
    return f"{shown}..." if cut else shown


def flatten(line: str) -> str:
    """One line of our own making, with whatever slipped into it escaped after all.

    Unlike `show` it leaves a backslash alone, so that what was escaped before is not escaped twice.
    """
    return "".join(each if each == "\\" else show(each) for each in line)
