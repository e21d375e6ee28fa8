"""The files that a gateway's file names, checked before anything is served."""

import ssl
from collections.abc import Mapping

from tinycontainer.errors import DeviceFileError
from tinycontainer.interfaces.network.security_context import SecurityContext, read_security_context
from tinycontainer.interfaces.private_files import read_regular_file
from tinycontainer.text import flatten

from .gateway_file import GatewayPlan


def read_contexts(plan: GatewayPlan) -> Mapping[str, SecurityContext]:
    """The contexts of all devices; none is opened. All else that the file names is checked as well.

    Raises:
        DeviceFileError: one cannot be used, two devices have one, or another file cannot be used.
    """
    contexts: dict[str, SecurityContext] = {}
    owners: dict[bytes, str] = {}
    for number, device in enumerate(plan.content.devices):
        place = f"devices[{number}].context"
        try:
            found = read_security_context(plan.path(device.context, place))
        except DeviceFileError as error:
            raise plan.error(place, str(error)) from None
        other = owners.setdefault(found.recipient_id, device.name)
        if other != device.name:
            problem = f"is the one of {other} too; each device needs one of its own"
            raise plan.error(place, problem)
        contexts[device.name] = found
    _check_tls(plan)
    plan.path(plan.content.state, "state")
    if plan.content.audit is not None:
        plan.path(plan.content.audit, "audit")
    return contexts


def _check_tls(plan: GatewayPlan) -> None:
    if plan.content.http.key is not None:
        key = plan.path(plan.content.http.key, "http.key")
        certificate = plan.path(plan.content.http.certificate or "", "http.certificate")
        read_regular_file(key, 1, is_private=True)
        try:
            # An empty passphrase, so that nobody is asked for the one of an encrypted key.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key, password=str)
        except OSError as error:  # ssl.SSLError is one
            problem = f"cannot be used with its key: {flatten(error.strerror or str(error))}"
            raise plan.error("http.certificate", problem) from None
