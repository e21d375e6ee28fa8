"""What the owner of a device sees of it, without changing anything."""

from collections.abc import Iterator

from tinycontainer.interfaces.clock import Clock
from tinycontainer.interfaces.driver import Driver
from tinycontainer.interfaces.updating import UpdateSection
from tinycontainer.metadata import Metadata, PeerType
from tinycontainer.trace import Account
from tinycontainer_tokens import Accepted, SequenceSubject
from tinycontainer_tokens.claims import MAX_UID_BYTES

from .containers.container import Container
from .containers.controller import Controller
from .containers.view import View
from .running.executor import Executor
from .running.management import Management
from .setup import Setup


class Looking:
    """A device as its owner looks at it; `BareDevice` adds how it is changed."""

    _clock: Clock
    _controller: Controller
    _executor: Executor
    _managing: Management
    _setup: Setup

    @property
    def now_ns(self) -> int:
        """The device's time in ns."""
        self._managing.look()
        return self._settled_now_ns()

    def __getitem__(self, uid: bytes | str) -> View:
        """The container with this uid.

        Raises:
            UnknownContainer: it is not loaded; also a KeyError.
        """
        self._managing.look()
        return self._view(self._controller.get(to_uid(uid)))

    def __contains__(self, uid: bytes | str) -> bool:
        """Whether a container with this uid is loaded."""
        self._managing.look()
        return self._controller.find(to_uid(uid)) is not None

    def __iter__(self) -> Iterator[View]:
        """All containers, by slot."""
        self._managing.look()
        return iter([self._view(container) for container in self._controller.containers()])

    def _view(self, container: Container) -> View:
        return View.of(container, self._setup.symbols)

    def __len__(self) -> int:
        """How many containers are loaded."""
        self._managing.look()
        return len(self._controller.containers())

    def account(self) -> Account:
        """Who has had the processor since the device's time began.

        From within a turn it is the account of before that turn.
        """
        self._managing.look()
        until_ns = self._executor.accounted_until_ns(self._settled_now_ns())
        used_ns = {
            container.uid: container.statistics.execution_ns
            for container in self._controller.containers()
        }
        gone_ns = self._executor.busy_ns - sum(used_ns.values())
        return Account.of(until_ns, used_ns, gone_ns)

    def section_limit(self, section: UpdateSection) -> int:
        """See `Updatable.section_limit`."""
        return self._setup.capacity.section_limits[section]

    def installed(self, uid: bytes, section: UpdateSection) -> bytes | None:
        """See `Updatable.installed`."""
        self._managing.look()
        container = self._controller.find(uid)
        if container is None or container.is_leaving:
            return None
        if section is UpdateSection.METADATA:
            return container.metadata.raw
        return container.code if section is UpdateSection.CODE else container.data

    def newest_update(self, uid: bytes) -> Accepted | None:
        """See `Updatable.newest_update`."""
        self._managing.look()
        return self._setup.rules.sequences.newest(SequenceSubject(uid, None))

    def metadata(self, uid: bytes | str) -> Metadata:
        """The metadata of a loaded container.

        Raises:
            UnknownContainer: it is not loaded.
        """
        self._managing.look()
        return self._controller.get(to_uid(uid)).metadata

    def bundle(self, uid: bytes | str) -> bytes:
        """The bundle of a loaded container, with its metadata of now.

        Raises:
            UnknownContainer: it is not loaded.
        """
        self._managing.look()
        return self._controller.get(to_uid(uid)).bundle

    def driver(
        self,
        peer_endpoint_id: int,
        uid: bytes | str = b"",
        peer_type: PeerType = PeerType.LOCAL,
    ) -> Driver:
        """The driver instance behind a peer endpoint, for the host's own use.

        Args:
            peer_endpoint_id: its place.
            uid: whose instance, where it is not shared.
            peer_type: local or remote.

        Raises:
            KeyError: no driver is there.
        """
        self._managing.look()
        entry = self._setup.drivers.find(peer_type, peer_endpoint_id)
        if entry is None:
            raise KeyError(f"no {peer_type.name.lower()} driver at {peer_endpoint_id}")
        return self._setup.drivers.instance(entry, to_uid(uid))

    def _settled_now_ns(self) -> int:
        self._executor.settle_meter()
        return self._clock.now_ns()


def to_uid(uid: bytes | str) -> bytes:
    """A uid as bytes."""
    return uid.encode() if isinstance(uid, str) else uid


def require_uid(uid: bytes | str) -> bytes:
    """A uid as bytes, if a container can have it.

    Raises:
        ValueError: none can.
    """
    raw = to_uid(uid)
    if not 1 <= len(raw) <= MAX_UID_BYTES:
        raise ValueError(f"a uid has 1 to {MAX_UID_BYTES} bytes, not {len(raw)}")
    return raw
