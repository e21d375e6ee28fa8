"""What an operator needs to reach a gateway: a bearer token, and whose certificates are trusted."""

import re
import ssl
from pathlib import Path
from typing import Final

from tinycontainer.interfaces.private_files import file_error, read_regular_file

MAX_TOKEN_BYTES: Final = 4096
MAX_CERTIFICATES_BYTES: Final = 1 << 20
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, section 2.1."""


def read_bearer_token(path: Path) -> str:
    """Read the token of a private file; a line end after it does not belong to it.

    Raises:
        DeviceFileError: it cannot be read, others than its owner can use it, or it holds no token.
    """
    content = read_regular_file(path, MAX_TOKEN_BYTES + 2, is_private=True)
    token = content.removesuffix(b"\n").removesuffix(b"\r")
    if len(token) > MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
        problem = f"holds no bearer token: one line of at most {MAX_TOKEN_BYTES} bytes (RFC 6750)"
        raise file_error(path, problem)
    return token.decode("ascii")


def make_tls_context(certificates: Path | None) -> ssl.SSLContext:
    """How the certificate of a server is judged.

    Args:
        certificates: a file (PEM) of those that are trusted beside the ones of the system.

    Raises:
        DeviceFileError: it cannot be read, or holds no certificates.
    """
    context = ssl.create_default_context()
    if certificates is None:
        return context
    content = read_regular_file(certificates, MAX_CERTIFICATES_BYTES + 1, is_private=False)
    if len(content) > MAX_CERTIFICATES_BYTES:
        raise file_error(certificates, f"has more than {MAX_CERTIFICATES_BYTES} bytes")
    try:
        context.load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise file_error(certificates, "holds no certificates (PEM)") from None
    return context
