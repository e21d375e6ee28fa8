"""Attacks of a hostile platform with what was signed: too old, too late, withdrawn, of others."""

from typing import Final

from support.attacked_device import UIDS
from support.hostile_mixing import MIXING
from support.hostile_platform import DeviceAttack, HostilePlatform, place
from support.signed_releases import BYSTANDER, HOUR_S, YARDS
from support.signed_rights import AskedChange
from support.withdrawals import riot_withdrawal, withdrawal
from support.worlds import FOREIGN
from tinycontainer.network.agent.requests.message import Code, Method


def load_older(platform: HostilePlatform) -> None:
    """An older release after the newest one."""
    uid = platform.draws.choice(UIDS)
    platform.load(uid, platform.newest(uid).bundle().encode())
    platform.load(uid, platform.one(uid).bundle().encode())


def load_older_after_delete(platform: HostilePlatform) -> None:
    """The same when nothing is loaded any more, sometimes after a boot."""
    uid = platform.draws.choice(UIDS)
    platform.put_anew(uid, platform.newest(uid).bundle().encode())
    platform.delete(uid)
    if platform.draws.random() < 0.3:
        platform.boot()
    platform.put(uid, platform.one(uid).bundle().encode())


def load_all_in_any_order(platform: HostilePlatform) -> None:
    """All releases of a container, one after the other."""
    releases = list(platform.loot.of(platform.draws.choice(UIDS)))
    platform.draws.shuffle(releases)
    for each in releases:
        platform.load(each.uid, each.bundle().encode())


def load_withdrawn_again(platform: HostilePlatform) -> None:
    """A release whose right was taken back, with the same bytes."""
    uid, token = platform.draws.choice(platform.loot.withdrawals)
    release = platform.one(uid)
    platform.load(uid, release.bundle().encode())
    platform.withdraw(uid, token)
    platform.load(uid, release.bundle().encode())


def load_withdrawn_remixed(platform: HostilePlatform) -> None:
    """A withdrawn release under newer metadata, or with newer tokens of a mask."""
    uid, token = platform.draws.choice(platform.loot.withdrawals)
    old, new = platform.one(uid), platform.newest(uid)
    platform.withdraw(uid, token)
    mixed = old.with_tokens(mask=new.tokens["mask"], metadata=new.tokens["metadata"])
    platform.load(uid, mixed.bundle().encode())
    platform.load(uid, old.with_tokens(mask=token).bundle().encode())


def load_withdrawn_after_boot(platform: HostilePlatform) -> None:
    """A withdrawn release when the device has forgotten what is not in its state."""
    uid, token = platform.draws.choice(platform.loot.withdrawals)
    release = platform.one(uid)
    platform.load(uid, release.bundle().encode())
    platform.start(uid)
    platform.withdraw(uid, token)
    platform.boot()
    platform.load(uid, release.bundle().encode())
    platform.start(uid)


def update_to_withdrawn(platform: HostilePlatform) -> None:
    """A withdrawn or older release by an update that infrastructure has signed."""
    for uid, token in platform.draws.sample(platform.loot.withdrawals, 2):
        platform.withdraw(uid, token)
    for envelope in platform.draws.sample(platform.loot.envelopes, 2):
        platform.update(envelope)


def reconfigure_to_withdrawn(platform: HostilePlatform) -> None:
    """The metadata of a withdrawn release for the newest code, and the reverse."""
    uid = platform.draws.choice(UIDS)
    platform.load(uid, platform.newest(uid).bundle().encode())
    for given, token in platform.loot.withdrawals:
        if given == uid:
            platform.withdraw(uid, token)
    platform.reconfigure(uid, platform.one(uid).metadata())


def replay_withdrawals(platform: HostilePlatform) -> None:
    """Every withdrawal at every container."""
    for _, token in platform.loot.withdrawals:
        platform.withdraw(platform.draws.choice(UIDS), token)


def withdraw_by_masks(platform: HostilePlatform) -> None:
    """The masks of all releases of a container: one that allows nothing is a withdrawal."""
    uid = platform.draws.choice(UIDS)
    for release in platform.loot.of(uid):
        platform.withdraw(uid, release.tokens["mask"])


def withdraw_newer_grant(platform: HostilePlatform) -> None:
    """An old withdrawal, also by its old request, against what was granted after it."""
    uid, token = platform.draws.choice(platform.loot.withdrawals)
    path = f"{place(uid)}/w?id={platform.new_id()}"
    asked = AskedChange("withdraw", uid, token)
    platform.ask(asked, Method.POST, path, token)
    platform.put(uid, platform.newest(uid).bundle().encode())
    platform.start(uid)
    platform.ask(asked, Method.POST, path, token)
    platform.withdraw(uid, token)


def withdraw_by_other_tokens(platform: HostilePlatform) -> None:
    """Tokens that are no withdrawal: masks that allow calls, those of content, changed ones."""
    uid, draws = platform.draws.choice(UIDS), platform.draws
    given = [*draws.sample(platform.loot.tokens, 2), platform.flip(platform.loot.withdrawals[0][1])]
    for token in (*given, riot_withdrawal(), b""):
        platform.withdraw(uid, token)


def withdraw_for_others(platform: HostilePlatform) -> None:
    """Withdrawals of other owners, for other devices, not yet or no longer valid."""
    uid, now_s = platform.draws.choice(UIDS), platform.device.now_s
    name = uid.decode()
    for token in (
        withdrawal(name, 90, key=YARDS),
        withdrawal(name, 91, key=FOREIGN),
        withdrawal(name, 92, audience="box-3"),
        withdrawal(name, 93, expires_s=now_s),
        withdrawal(name, 94, not_before_s=now_s + HOUR_S),
        withdrawal(name + "x", 95),
        withdrawal(name, 96, mask=1),
    ):
        platform.withdraw(uid, token)


def load_expired(platform: HostilePlatform) -> None:
    """A grant whose time is over or has not come, and a start after its end."""
    timed = (3, 7, 11)
    release = platform.draws.choice(
        [each for each in platform.loot.of(b"a") if each.number in timed]
    )
    platform.load(b"a", release.bundle().encode())
    platform.start(b"a")
    platform.boot(platform.draws.choice((0, HOUR_S)))
    platform.start(b"a")
    platform.load(b"a", release.bundle().encode())


def set_time(platform: HostilePlatform) -> None:
    """Requests that could set the time of a device, if there were any; then an expired grant."""
    nothing, moment = AskedChange("nothing"), b"\0"
    for path in ("/tc", "/tc?time=0", "/tc/t", "/time", "/device-id/", "/tc/e", "/tc/c"):
        for method in (Method.PUT, Method.POST):
            platform.change(nothing, method, path, moment)
    load_expired(platform)


def load_of_strangers(platform: HostilePlatform) -> None:
    """Containers of another owner or developer, by a replaced key, for another device."""
    strange = [
        each
        for each in platform.loot.releases
        if each.uid == b"c"
        or (each.uid, each.number) in {(b"a", 4), (b"a", 6), (b"a", 10), (b"b", 1)}
    ]
    for each in strange:
        platform.load(each.uid, each.bundle().encode())


def load_without_counts(platform: HostilePlatform) -> None:
    """Tokens that count nothing, before and after those that do."""
    uid = platform.draws.choice((b"a", b"d"))
    plain = [each for each in platform.loot.of(uid) if not each.endpoints]
    for each in (platform.draws.choice(plain), platform.newest(uid), platform.draws.choice(plain)):
        platform.put_anew(uid, each.bundle().encode())
        platform.start(uid)


def replace_on_trial(platform: HostilePlatform) -> None:
    """A version on trial that fails: what comes back is what was there, unless it is withdrawn."""
    uid = b"a"
    numbers = {each.number: each for each in platform.loot.of(uid)}
    platform.put(uid, numbers[platform.draws.choice((1, 2, 3))].bundle().encode())
    platform.start(uid)
    platform.replace(uid, numbers[8].bundle().encode())
    platform.replace(uid, platform.one(uid).with_tokens(mask=b"").bundle().encode())


def withdraw_during_trial(platform: HostilePlatform) -> None:
    """A withdrawal while a version is on trial, of which the one before would come back."""
    numbers = {each.number: each for each in platform.loot.of(b"a")}
    first, stuck = numbers[platform.draws.choice((1, 2))], numbers[8]
    platform.put(b"a", first.bundle().encode())
    platform.start(b"a")
    path = f"{place(b'a')}?confirm=60000&id={platform.new_id()}"
    platform.device.managed.ask(
        Method.PUT, path, stuck.bundle().encode(), peer=b"platform", more=((1, b""),)
    )
    platform.device.managed.device.run(for_ms=100)
    token = next(token for uid, token in reversed(platform.loot.withdrawals) if uid == b"a")
    platform.withdraw(b"a", token)
    platform.boot()


def repeat_ids(platform: HostilePlatform) -> None:
    """Requests of before with their ids, and others with the same id."""
    one, other = platform.pair()
    path = f"{place(one.uid)}?id={platform.new_id()}"
    asked = AskedChange("put", one.uid)
    answer = platform.ask(asked, Method.PUT, path, one.bundle().encode())
    platform.delete(one.uid)
    if answer.code is Code.CREATED:  # only what was done is remembered
        asked = AskedChange("nothing")
    for bundle in (one.bundle(), other.bundle()):
        platform.ask(asked, Method.PUT, path, bundle.encode())


def hurry(platform: HostilePlatform) -> None:
    """Several changes of a container before the first one is complete."""
    uid = platform.draws.choice(UIDS)
    before = platform.device.see()
    for each in platform.draws.choices(platform.loot.of(uid), k=3):
        path = f"{place(uid)}?id={platform.new_id()}"
        platform.device.managed.ask(
            Method.PUT, path, each.bundle().encode(), peer=b"platform", more=((1, b""),)
        )
    platform.device.settle()
    platform.rights.check(AskedChange("put", uid), before)


def withdraw_while_fetching(platform: HostilePlatform) -> None:
    """A withdrawal between the signature of an update and its code, which comes too late then."""
    platform.change(AskedChange("update"), Method.POST, "/tc/su", platform.loot.envelopes[-1])
    for uid, token in platform.loot.withdrawals:
        if uid == b"b" and platform.draws.random() < 0.7:
            platform.withdraw(uid, token)
    platform.supply()


def change_updates(platform: HostilePlatform) -> None:
    """Updates that are changed, cut, or joined with others."""
    one, other = platform.draws.choices(platform.loot.envelopes, k=2)
    at = platform.draws.randrange(len(one))
    for envelope in (platform.flip(one), one[:at], one[:at] + other[at:], one + other):
        platform.update(envelope)


def replay_updates(platform: HostilePlatform) -> None:
    """All updates in any order: an old removal must not end what came later."""
    for envelope in platform.draws.sample(platform.loot.envelopes, len(platform.loot.envelopes)):
        platform.update(envelope)


def disturb_bystander(platform: HostilePlatform) -> None:
    """Everything that could be done to a container that the platform may not manage."""
    bundle = platform.loot.of(BYSTANDER)[0].bundle()
    path = place(BYSTANDER)
    nothing = AskedChange("nothing")
    platform.change(nothing, Method.DELETE, path)
    for query in ("?stop", "?kill", "?start"):
        platform.change(nothing, Method.POST, path + query)
    platform.change(nothing, Method.PUT, path, bundle.encode(), if_match=b"")
    platform.change(nothing, Method.PUT, f"{path}/m", bundle.metadata)
    platform.change(nothing, Method.POST, f"{path}/w", withdrawal(BYSTANDER.decode(), 50))
    mixed = platform.one().bundle()
    platform.change(nothing, Method.PUT, place(b"a"), bundle.encode(), if_match=b"")
    platform.change(nothing, Method.PUT, path, mixed.encode(), if_match=b"")


REPLAYS: Final[tuple[DeviceAttack, ...]] = (
    load_older, load_older_after_delete, load_all_in_any_order, load_withdrawn_again,
    load_withdrawn_remixed, load_withdrawn_after_boot, update_to_withdrawn,
    reconfigure_to_withdrawn, replay_withdrawals, withdraw_by_masks, withdraw_newer_grant,
    withdraw_by_other_tokens, withdraw_for_others, load_expired, set_time, load_of_strangers,
    load_without_counts, replace_on_trial, withdraw_during_trial, repeat_ids, hurry,
    withdraw_while_fetching, change_updates, replay_updates, disturb_bystander,
)  # fmt: skip
"""What was signed, at the wrong time or place."""
ATTACKS: Final[tuple[DeviceAttack, ...]] = (*MIXING, *REPLAYS)
