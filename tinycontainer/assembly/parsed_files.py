"""Device files and keys that were parsed: the same content is parsed once."""

from functools import lru_cache
from typing import Final

from tinycontainer.files.device_file import DeviceFile
from tinycontainer.files.toml_file import parse_toml
from tinycontainer.suit.keys.key_files import parse_update_key
from tinycontainer.suit.keys.keys import UpdateKey
from tinycontainer_tokens import KeyMaterial
from tinycontainer_tokens.key_files import parse as parse_key

_MOST_DEVICE_FILES: Final = 32
_MOST_KEYS: Final = 256


class ParsedFiles:
    """What files were parsed to, found by their content.

    Files are read each time, so one that was changed is parsed again. What a device decides by
    them, such as whether a token is valid, is never remembered. Threads can share it.
    """

    def __init__(self) -> None:
        # Errors are not remembered: they concern a device that is not made.
        self._device_files = lru_cache(_MOST_DEVICE_FILES)(_parse_device_file)
        self._keys = lru_cache(_MOST_KEYS)(parse_key)
        self._update_keys = lru_cache(_MOST_KEYS)(parse_update_key)

    def device_file(self, content: bytes, name: str) -> DeviceFile:
        """Check a device file.

        Args:
            content: the whole file.
            name: its name, for errors.

        Raises:
            DeviceFileError: it is not TOML, or not a device file.
        """
        return self._device_files(content, name)

    def key(self, content: bytes) -> KeyMaterial:
        """Read a key file.

        Args:
            content: the whole file.

        Raises:
            KeyFileError: it is no key file, or its key cannot be used.
        """
        return self._keys(content)

    def update_key(self, content: bytes) -> UpdateKey:
        """Read a key file of who makes updates.

        Args:
            content: the whole file.

        Raises:
            KeyFileError: it is no key file, or its key cannot be used.
        """
        return self._update_keys(content)

    def forget(self) -> None:
        """Forget everything, keys included."""
        self._device_files.cache_clear()
        self._keys.cache_clear()
        self._update_keys.cache_clear()


def _parse_device_file(content: bytes, name: str) -> DeviceFile:
    return parse_toml(content, DeviceFile, name)
