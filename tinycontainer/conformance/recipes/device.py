"""The device of a case, as the request ``reset`` describes it."""

from typing import Any

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.fields import uid_from_text
from tinycontainer.suit.keys.keys import UpdateAlgorithm
from tinycontainer_tokens import Algorithm, Profile, Role

from ..cases.case import DeviceRecipe
from ..cases.updates import DeviceUpdateRecipe, UpdateKeyRecipe
from ..description import EPOCH_S, DeviceTraits
from .keys import key_of_role, update_key_for_tests


def describe_device(recipe: DeviceRecipe, policy: Policy, profile: Profile) -> dict[str, Any]:
    """A whole device, as plain values of a `description.DeviceDescription`.

    Args:
        recipe: what the case says about it.
        policy: how it schedules.
        profile: the tokens that it accepts, unless the recipe names others.
    """
    accepted = recipe.accept or [profile]
    values: dict[str, Any] = recipe.model_dump(mode="json", include=set(DeviceTraits.model_fields))
    for driver in values["drivers"]:
        driver["uids"] = _as_hex(driver["uids"])
    keys = [
        _describe_key(recipe, role, each)
        for each in accepted
        for role in Role
        if role not in recipe.without
    ]
    return values | {
        "policy": policy.value,
        "profiles": [each.value for each in accepted],
        "epoch_s": EPOCH_S,
        "keys": keys,
    }


def _describe_key(recipe: DeviceRecipe, role: Role, profile: Profile) -> dict[str, Any]:
    hmac = role in recipe.hmac
    signs_with = Algorithm.ED25519 if role in recipe.ed25519 else Algorithm.EDDSA
    key = key_of_role(role, profile, hmac=hmac)
    return {
        "role": role.value,
        "profile": profile.value,
        "algorithm": (Algorithm.HMAC_256 if hmac else signs_with).value,
        "key": (key.hmac_key if hmac else key.public).hex(),
        "uids": _as_hex(recipe.key_uids),
    }


def describe_updates(recipe: DeviceUpdateRecipe) -> dict[str, Any]:
    """Which updates a device takes, as plain values of a `description.UpdateDescription`."""
    return {
        "vendor": recipe.vendor,
        "class": recipe.class_name,
        "origins": list(recipe.origins),
        "keys": [_describe_update_key(each) for each in recipe.keys],
    }


def _describe_update_key(recipe: UpdateKeyRecipe) -> dict[str, Any]:
    key = update_key_for_tests(recipe.key)
    default = [each for each in UpdateAlgorithm if key.allows(each)]
    return {
        "algorithms": [each.value for each in recipe.algorithms or default],
        "key": key.public.hex(),
        "kid": recipe.kid,
        "uids": _as_hex(recipe.uids),
    }


def _as_hex(uids: list[str] | None) -> list[str] | None:
    return None if uids is None else [uid_from_text(uid).hex() for uid in uids]
