"""What whoever steals the database of a platform has: read by SQL, and put together as it likes."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tinycontainer.metadata import Bundle, ContainerType, Endpoint, encode
from tinycontainer.network.platform.catalogue.forms import PlanForm

_RELEASES = """
SELECT release.id, application.uid, release.number, release.container_type, release.plan,
       code.content, data.content
FROM release JOIN application ON application.id = release.application_id
JOIN artefact AS code
    ON code.sha256 = release.code_sha256 AND code.organisation_id = release.developer_id
JOIN artefact AS data
    ON data.sha256 = release.data_sha256 AND data.organisation_id = release.provider_id
ORDER BY release.id
"""
_WITHDRAWALS = """
SELECT application.uid, withdrawal.token FROM withdrawal
JOIN application ON application.id = withdrawal.application_id ORDER BY withdrawal.id
"""


@dataclass(frozen=True)
class StolenRelease:
    """A release as the database has it.

    Attributes:
        uid, number: which.
        type: of the container.
        plan: of infrastructure.
        tokens: of each part, by its name.
        code, data: its contents.
    """

    uid: bytes
    number: int
    type: ContainerType
    plan: PlanForm
    tokens: Mapping[str, bytes]
    code: bytes
    data: bytes

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """With their tokens."""
        made = self.plan.plan(self.uid).endpoints
        return tuple(
            replace(each, token=self.tokens.get(f"endpoint-{each.endpoint_id}")) for each in made
        )

    def with_tokens(self, **tokens: bytes) -> "StolenRelease":
        """The same with other tokens of code, data, mask or metadata."""
        return replace(self, tokens={**self.tokens, **tokens})

    def metadata(
        self, endpoints: tuple[Endpoint, ...] | None = None, *, has_security: bool = True
    ) -> bytes:
        """Its metadata, or ones with other endpoints, or without the tokens of three parties."""
        plan = self.plan.plan(self.uid)
        container = replace(plan.container, type=self.type, syscall_mask_token=self.tokens["mask"])
        security = replace(
            plan.security,
            code_token=self.tokens["code"],
            data_token=self.tokens["data"],
            metadata_token=self.tokens["metadata"],
        )
        given = self.endpoints if endpoints is None else endpoints
        return encode(container, given, security if has_security else None)

    def bundle(self, endpoints: tuple[Endpoint, ...] | None = None) -> Bundle:
        """Its container, or one with other endpoints."""
        return Bundle(self.metadata(endpoints), self.data, self.code)


@dataclass(frozen=True)
class Loot:
    """All that there is to steal.

    Attributes:
        releases: all of them.
        withdrawals: with the uid of each.
        envelopes: that infrastructure has signed.
    """

    releases: tuple[StolenRelease, ...]
    withdrawals: tuple[tuple[bytes, bytes], ...]
    envelopes: tuple[bytes, ...]

    def of(self, uid: bytes) -> tuple[StolenRelease, ...]:
        """The releases of a container."""
        return tuple(each for each in self.releases if each.uid == uid)

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """All tokens of all releases, and those that withdraw."""
        signed = (token for each in self.releases for token in each.tokens.values())
        return (*signed, *(token for _, token in self.withdrawals))


def steal(database: Path) -> Loot:
    """Read a database as one reads a file that was copied."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as stolen:
        tokens: dict[int, dict[str, bytes]] = {}
        for release, part, token in stolen.execute(
            "SELECT release_id, part, token FROM release_token"
        ):
            tokens.setdefault(release, {})[part] = token
        releases = tuple(
            StolenRelease(
                uid,
                number,
                ContainerType(kind),
                PlanForm.model_validate(json.loads(plan)),
                tokens[key],
                code,
                data,
            )
            for key, uid, number, kind, plan, code, data in stolen.execute(_RELEASES)
        )
        envelopes = stolen.execute("SELECT content FROM artefact WHERE kind = 'envelope'")
        return Loot(
            releases,
            tuple(stolen.execute(_WITHDRAWALS)),
            tuple(content for (content,) in envelopes),
        )
