"""The C arrays of one container, as the firmware's build includes them (``containers.h``)."""

from collections.abc import Iterator
from typing import Final

from tinycontainer.metadata import Bundle

_BYTES_PER_LINE: Final = 12
_SECTIONS: Final = ("meta", "data", "code")
_PLAIN: Final = frozenset(b" !#$%&'()*+,-./:;<=>@[]^_`{|}~")
"""Characters, besides letters and digits, that a C string holds as they are.

Not among them: the quotation mark, the backslash, and the question mark, which begins a trigraph.
"""


def make_c_header(name: str, bundle: Bundle) -> str:
    """Make a header of ``NAME_meta``, ``NAME_data``, ``NAME_code``, their lengths, and tables.

    The tables ``containers_name``, ``containers_meta`` and their like have this one entry.

    Args:
        name: untrusted; becomes an identifier, and the text in ``containers_name``.
        bundle: the container.
    """
    return "\n".join(_header_lines(name, bundle)) + "\n"


def make_c_identifier(name: str) -> str:
    """Replace everything that a C identifier cannot hold by underscores."""
    kept = "".join(each if each.isascii() and each.isalnum() else "_" for each in name)
    return f"_{kept}" if not kept or kept[0].isdigit() else kept


def is_c_identifier(name: str) -> bool:
    """Whether a name is a C identifier as it is."""
    return make_c_identifier(name) == name


def quote_c_string(text: str) -> str:
    """Write a C string literal; everything but plain characters is written as octal digits.

    Octal digits end after three, where hexadecimal ones would go on with digits that follow.
    """
    written = (
        chr(byte) if byte in _PLAIN or (chr(byte).isalnum() and byte < 0x80) else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f'"{"".join(written)}"'


def _header_lines(name: str, bundle: Bundle) -> Iterator[str]:
    prefix = make_c_identifier(name)
    contents = dict(zip(_SECTIONS, (bundle.metadata, bundle.data, bundle.code), strict=True))
    guard = f"{prefix.upper()}_CONTAINER_H"
    yield from (f"#ifndef {guard}", f"#define {guard}", "", "#include <stddef.h>")
    yield from ("#include <stdint.h>", "")
    for section, content in contents.items():
        yield from _array_lines(f"{prefix}_{section}", content)
    yield f"const char *containers_name[] = {{ {quote_c_string(name)} }};"
    for section in _SECTIONS:
        yield f"const uint8_t *containers_{section}[] = {{ {prefix}_{section} }};"
        yield f"size_t containers_{section}_size[] = {{ {prefix}_{section}_len }};"
    yield from ("", "#endif")


def _array_lines(name: str, content: bytes) -> Iterator[str]:
    yield f"const unsigned char {name}[] = {{"
    # C has no array without elements; the length says that this one is empty.
    for start in range(0, max(1, len(content)), _BYTES_PER_LINE):
        row = content[start : start + _BYTES_PER_LINE] or b"\0"
        yield f"    {', '.join(f'0x{byte:02x}' for byte in row)},"
    yield from ("};", f"#define {name}_len {len(content)}", "")
