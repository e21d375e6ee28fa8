"""What a device may be by what was signed: a model that knows no token format and no device code.

Before each request it is told what is asked; after it, it compares the device with what the four
parties' signatures, the time and what the device has heard before allow.
"""

from dataclasses import dataclass, field

from support.attacked_device import AttackedDevice, PresentContainer
from support.signed_releases import (
    BYSTANDER,
    SignedVersion,
    SignedWithdrawal,
    SigningLedger,
)
from tinycontainer.device.containers.lifecycle import State
from tinycontainer.metadata import Bundle


@dataclass(frozen=True)
class AskedChange:
    """A request that may change something.

    Attributes:
        verb: ``put``, ``reconfigure``, ``withdraw``, ``update``, ``delete``, ``start``,
            ``boot``, or ``nothing`` for one that may change nothing.
        uid: of the container that it names; empty for none.
        token: that it gives, of a withdrawal.
    """

    verb: str
    uid: bytes = b""
    token: bytes = b""


@dataclass
class SignedRights:
    """What a device may be.

    Attributes:
        ledger: all that was signed.
        device: that is judged.
        highest: the highest mask that the device has heard of, by uid, and its token.
        updated: the newest update of each uid.
        loads: how many versions have come.
        withdrawals: how many were in force.
    """

    ledger: SigningLedger
    device: AttackedDevice
    highest: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    updated: dict[bytes, int] = field(default_factory=dict)
    loads: int = 0
    withdrawals: int = 0

    def check(self, asked: AskedChange, before: dict[bytes, PresentContainer]) -> None:
        """Compare the device with what it may be.

        Args:
            asked: what has been asked of it just now.
            before: what it was before that.
        """
        after = self.device.see()
        withdrawal = self._withdrawal_in_force(asked, before)
        for uid in before.keys() | after.keys():
            self._check_one(asked, uid, before.get(uid), after.get(uid), withdrawal)
        if withdrawal is not None:
            self.withdrawals += 1
            self.highest[withdrawal.uid] = (withdrawal.number, withdrawal.token)
            assert withdrawal.uid not in after, "a withdrawn right that is still there"
        assert self.device.runtime.ran <= self._signed_code(), "code ran that nobody has signed"
        self._check_bystander(asked, before, after)

    def version_of(self, sections: Bundle) -> SignedVersion:
        """The version that four parties have signed with these bytes; fail if they have not."""
        found = [each for each in self.ledger.versions if each.sections == sections]
        assert len(found) == 1, "a version that nobody has signed"
        return found[0]

    def admits(self, version: SignedVersion) -> bool:
        """Whether the device may take a version now, by what was signed."""
        now_s, device = self.device.now_s, self.device
        if not version.signers <= device.keys or version.audience not in (None, device.name):
            return False
        if not version.begin_s <= now_s < min(version.end_s, version.code_end_s):
            return False
        if version.is_riot:
            return device.accepts_riot and version.uid not in self.highest
        number, token = self.highest.get(version.uid, (-1, b""))
        return version.number > number or version.mask_token == token

    def is_in_force(self, withdrawal: SignedWithdrawal, current: SignedVersion | None) -> bool:
        """Whether a withdrawal takes something back now, or has done so as the last one."""
        device = self.device
        if withdrawal.owner not in device.keys:
            return False
        if withdrawal.audience not in (None, device.name):
            return False
        if current is not None and current.mask_token == withdrawal.token:
            return False
        number, token = self.highest.get(withdrawal.uid, (-1, b""))
        return withdrawal.number > number or withdrawal.token == token

    def _withdrawal_in_force(
        self, asked: AskedChange, before: dict[bytes, PresentContainer]
    ) -> SignedWithdrawal | None:
        if asked.verb != "withdraw":
            return None
        seen = before.get(asked.uid)
        current = None if seen is None else self.version_of(seen.sections)
        for each in self.ledger.withdrawals:
            if (each.uid, each.token) == (asked.uid, asked.token):
                return each if self.is_in_force(each, current) else None
        return None

    def _check_one(
        self,
        asked: AskedChange,
        uid: bytes,
        old: PresentContainer | None,
        new: PresentContainer | None,
        withdrawal: SignedWithdrawal | None,
    ) -> None:
        if new is None:
            ends = asked.verb == "delete" and asked.uid == uid
            ends = ends or (withdrawal is not None and withdrawal.uid == uid)
            if old is not None and asked.verb == "boot":  # what is not valid then is set aside
                ends = not self.admits(self.version_of(old.sections))
            assert ends or self._updates(asked, uid, None), f"{uid!r} was ended by {asked.verb}"
            return
        version = self.version_of(new.sections)
        assert version.uid == uid
        self._check_rights(version, new)
        if old is None or old.sections != new.sections:
            self._check_coming(asked, version)
        elif not self._concerns(asked, uid):
            lasts = self.device.now_s < min(version.end_s, version.code_end_s)
            assert not lasts or old.state is new.state, f"{uid!r} was disturbed by {asked.verb}"

    def _check_rights(self, version: SignedVersion, seen: PresentContainer) -> None:
        now_s = self.device.now_s
        assert seen.mask in (version.mask, 0)
        if now_s >= version.end_s and seen.state is State.RUNNING:
            assert seen.mask == 0, "a mask that has expired"
        elif now_s < version.end_s:
            assert seen.mask == version.mask
        assert now_s < version.code_end_s or seen.state is not State.RUNNING

    def _check_coming(self, asked: AskedChange, version: SignedVersion) -> None:
        comes = asked.verb in ("put", "reconfigure") and asked.uid == version.uid
        assert comes or self._updates(asked, version.uid, version), f"it came by {asked.verb}"
        assert self.admits(version), f"{version.uid!r} {version.number} may not come back"
        self.loads += 1
        if not version.is_riot:
            self.highest[version.uid] = (version.number, version.mask_token)

    def _updates(self, asked: AskedChange, uid: bytes, version: SignedVersion | None) -> bool:
        """Whether a signed update that is the last one or newer is what has happened."""
        if asked.verb != "update":
            return False
        for each in self.ledger.updates:
            is_in_order = each.number >= self.updated.get(uid, 0)
            if is_in_order and (each.uid, each.version) == (uid, version):
                self.updated[uid] = each.number
                return True
        return False

    def _concerns(self, asked: AskedChange, uid: bytes) -> bool:
        """Whether a request may change the state of a container."""
        if asked.verb == "update":
            return any(each.uid == uid for each in self.ledger.updates)
        return asked.uid == uid or asked.verb == "boot"

    def _signed_code(self) -> set[str]:
        keys = self.device.keys
        return {each.code_sha256 for each in self.ledger.versions if each.signers <= keys}

    def _check_bystander(
        self,
        asked: AskedChange,
        before: dict[bytes, PresentContainer],
        after: dict[bytes, PresentContainer],
    ) -> None:
        old, new = before[BYSTANDER], after[BYSTANDER]
        assert new.state is State.RUNNING, f"the bystander was disturbed by {asked.verb}"
        assert new.has_never_ended
        assert asked.verb == "boot" or new.loops > old.loops
