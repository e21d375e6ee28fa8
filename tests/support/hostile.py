"""Hostile strings for uids, lines and names, and a check that output with them is harmless."""

HOSTILE = {
    "escape": b"\x1b[2J\x1b]0;title\x07",
    "newline": b"a\nerror: forged\r",
    "markup": b"[bold red]x[/bold red][link=file:///etc]",
    "bidi": "\u202eabc\u2066\u200b".encode(),
    "not-utf8": b"\xff\xfe\x80",
    "json": b'","event":"forged',
    "path": b"../../../etc/passwd",
    "backslash": b"\\x1b[31m",
    "lone-surrogate": "\ud800".encode("utf-8", "surrogatepass"),
}
"""Bytes that a uid, a line or a name can have."""

BOXES = dict.fromkeys(range(0x2500, 0x2580), "|")
"""The characters that frames of tables are drawn with."""


def inert(text: str) -> bool:
    """Whether a text can do nothing to a terminal."""
    text = text.translate(BOXES)
    return text.isascii() and all(each.isprintable() or each == "\n" for each in text)


def shown(hostile: bytes) -> str:
    """How output must show hostile bytes."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
        for byte in hostile
    )
