"""Under which address a browser sees the platform, for commands that people copy."""

import re
from typing import Final

from starlette.requests import Request

from ..parts import PlatformParts

_HOST: Final = re.compile(
    r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?"
)


def address_of(request: Request, parts: PlatformParts) -> str:
    """The address of the platform; URL if the browser has said no usable one."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return "URL"
    return f"{'https' if parts.has_safe_cookies else 'http'}://{host}"
