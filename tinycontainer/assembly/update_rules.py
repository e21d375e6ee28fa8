"""The rules of a device file for updates, with the keys that it names."""

from tinycontainer.device.containers.verification import Trust
from tinycontainer.files.fields import uid_from_text
from tinycontainer.files.toml_file import read_bounded
from tinycontainer.files.update_table import UpdateKeyTable
from tinycontainer.interfaces.network.coap_uri import parse_coap_uri
from tinycontainer.interfaces.updating import UpdateIdentity
from tinycontainer.suit.keys.keys import UpdateKeyEntry, UpdateKeys
from tinycontainer.suit.rules import UpdateRules, derive_identity
from tinycontainer.text import show
from tinycontainer_tokens import KeyFileError
from tinycontainer_tokens.key_files import MAX_KEY_FILE_BYTES

from .device_plan import DevicePlan
from .parsed_files import ParsedFiles


def read_update_rules(
    plan: DevicePlan, trust: Trust, files: ParsedFiles | None = None
) -> UpdateRules:
    """Read which updates a device takes, and the keys that it believes for them.

    Args:
        plan: the device file.
        trust: what the device believes of tokens; no key may be for both.
        files: what other devices' keys were parsed to, if there are others.

    Raises:
        DeviceFileError: a key cannot be used.
    """
    table = plan.content.update
    parsed = files or ParsedFiles()
    entries = [
        _read_key(plan, f"update.keys[{number}]", key, parsed)
        for number, key in enumerate(table.keys)
    ]
    try:
        keys = UpdateKeys(entries, trust.keys)
    except KeyFileError as error:
        raise plan.error("update.keys", str(error)) from None
    origins = tuple(parse_coap_uri(server).origin for server in table.fetch)
    return UpdateRules(read_identity(plan), keys, origins)


def read_identity(plan: DevicePlan) -> UpdateIdentity:
    """For which devices an update has to be, to be for the device of a file.

    Args:
        plan: the device file.
    """
    device, table = plan.content.device, plan.content.update
    vendor, class_name = table.vendor or device.vendor, table.class_name or device.name
    return derive_identity(vendor, class_name, device.id)


def _read_key(
    plan: DevicePlan, place: str, table: UpdateKeyTable, files: ParsedFiles
) -> UpdateKeyEntry:
    path = plan.file(table.file, f"{place}.file")
    content = read_bounded(path, MAX_KEY_FILE_BYTES)
    try:
        key = files.update_key(content)
    except KeyFileError as error:
        raise plan.error(f"{place}.file", f"{show(path.name)}: {error}") from None
    if not key.may_verify:
        problem = "key_ops (label 4) of the COSE_Key does not allow to verify with it"
        raise plan.error(f"{place}.file", f"{show(path.name)}: {problem}")
    if table.algorithm is not None:
        try:
            key = key.restrict_to(table.algorithm)
        except KeyFileError as error:
            raise plan.error(f"{place}.algorithm", f"{show(path.name)}: {error}") from None
    uids = None if table.uids is None else frozenset(map(uid_from_text, table.uids))
    return UpdateKeyEntry(key, uids)
