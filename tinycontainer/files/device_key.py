"""The device's own keys: read with suspicion, and never shown."""

from pathlib import Path

from tinycontainer.interfaces.private_files import file_error, read_regular_file
from tinycontainer_tokens import KeyFileError, KeyMaterial, key_files


def read_device_key(path: Path, made_by: str = "keygen --device") -> KeyMaterial:
    """Read the private key that `[device] key` or `[evidence] key` names.

    Args:
        path: where it lies.
        made_by: how one is made, for the error.

    Returns:
        An Ed25519 key with its secret half, which its representation does not show.

    Raises:
        DeviceFileError: it cannot be read, is no regular file, others than its owner can use it, or
            it holds no Ed25519 private key to sign with (TC-STATE-13, TC-EVID-01).
    """
    content = read_regular_file(path, key_files.MAX_KEY_FILE_BYTES + 1, is_private=True)
    if key_files.is_encrypted(content):
        problem = "is encrypted; a device starts alone, so its key has no passphrase"
        raise file_error(path, problem)
    try:
        key = key_files.parse(content)
    except KeyFileError as error:
        raise file_error(path, str(error)) from None
    if key.is_symmetric or key.secret is None or not key.may_sign:
        problem = f"is no Ed25519 private key to sign with; make one by `{made_by}`"
        raise file_error(path, problem)
    return key
