"""The page that shows the devices live: files as a browser gets them."""

from collections.abc import Mapping
from importlib.resources import files

_TYPES = {
    "index.html": ("/", "text/html; charset=utf-8"),
    "page.css": ("/page.css", "text/css; charset=utf-8"),
    **{
        name: (f"/{name}", "text/javascript; charset=utf-8")
        for name in ("page.js", "device.js", "stream.js", "table.js", "words.js")
    },
}


def read_page_files() -> Mapping[str, tuple[bytes, str]]:
    """The content and the media type of each file, by path."""
    folder = files(__name__)
    return {
        path: ((folder / name).read_bytes(), media_type)
        for name, (path, media_type) in _TYPES.items()
    }
