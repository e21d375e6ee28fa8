"""A refusal by the scan: where, what, and about which matter compilers and devices have options."""

from enum import Enum

from tinycontainer.errors import InadmissibleCode

from .features import Feature


class Topic(Enum):
    """What a module is refused for that compilers or devices have options about."""

    MEMORY_PAGES = "memory_pages"
    TABLE_ELEMENTS = "table_elements"
    LOCALS = "locals_per_function"
    BLOCK_DEPTH = "block_depth"
    FLOATS = "floats"
    LOOP = "loop"
    MEMORY = "memory"
    ABORT = "abort"
    WASI = "WASI"
    IMPORTED_MEMORY = "imported memory"
    UNLINKED = "unlinked"
    MEMORY_FUNCTIONS = "memory functions"
    UNDEFINED = "undefined functions"
    JAVASCRIPT = "JavaScript"
    BROWSER = "objects of a browser"


class ScanRefusal(InadmissibleCode):
    """The scan's own refusal, before it is known what can be done about it.

    Attributes:
        offset: where, in bytes of the module.
        what: what is wrong there.
        topic: what compilers and devices may have options about; None if none has.
        function: index of the function that it is in; None if it is in none.
        allow: the value of the device's option that would admit the module; None if none would.
    """

    def __init__(
        self,
        offset: int,
        what: str,
        topic: Topic | Feature | None = None,
        allow: int | None = None,
    ) -> None:
        super().__init__(f"byte {offset}: {what}")
        self.offset = offset
        self.what = what
        self.topic = topic
        self.allow = allow
        self.function: int | None = None
