"""What is said of rollouts over HTTP: what operators send, and what they are shown."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field, model_validator

from tinycontainer.tools.rollouts import (
    DeviceProgress,
    RolloutPlan,
    RolloutState,
    Wave,
)
from tinycontainer.tools.rollouts.query_text import MAX_QUERY_CHARACTERS

from ..catalogue.releases import name_of
from ..rollouts.previewing import TargetPreview
from ..rollouts.terms import DAY_S, NewRollout, RolloutTerms
from ..tables.rollouts import (
    REASON_CHARACTERS,
    RolloutDeviceRow,
    RolloutRow,
    RolloutWaveRow,
)
from .bodies import MAX_NUMBER, JsonAnswer, JsonBody, Label
from .catalogue import UidDigits
from .fleet_bodies import LAST_S, DeviceName

Progress = Annotated[DeviceProgress | None, Query(description="only those that are so far")]
Reason = Annotated[
    str | None,
    Query(max_length=REASON_CHARACTERS, description="only those with this reason"),
]
State = Annotated[RolloutState | None, Query(description="only those in this state")]
BeforeRollout = Annotated[int, Query(ge=1, le=MAX_NUMBER)]
DevicePath = Annotated[DeviceName, Path()]
StrataKey = Annotated[str, Field(max_length=70)]


class PlanOfRollout(JsonBody):
    """How a rollout is to go."""

    waves: list[int] = Field(
        default_factory=lambda: [100],
        min_length=1,
        max_length=20,
        description="per cent of the devices in each wave and those before it; the last is 100",
    )
    strata: list[StrataKey] = Field(
        default_factory=lambda: ["kind"],
        max_length=4,
        description="each wave has its share of every combination of these: kind, group, label.KEY",
    )
    halt_per_cent: int = Field(10, ge=1, le=100, description="of the told devices of a wave")
    halt_minimum: int = Field(2, ge=1, le=1_000_000, description="fewer failures do not halt it")
    success_per_cent: int = Field(90, ge=1, le=100, description="before the next wave begins")
    deadline_s: int | None = Field(None, ge=0, le=LAST_S, description="Unix seconds")
    attempts: int = Field(1, ge=1, le=10, description="how often a device can be told")
    priority: int = Field(0, ge=0, le=100, description="among rollouts of the same application")
    most_at_once: int = Field(100, ge=1, le=1_000_000, description="told and not answered")
    starts: bool = Field(True, description="whether the container is to run afterwards")
    confirm_ms: int = Field(
        0,
        ge=0,
        le=3_600_000,
        description="within which a new version completes a loop, or the old one comes back",
    )
    answer_s: int = Field(DAY_S, ge=1, le=30 * DAY_S, description="how long a device may take")
    standing: bool = Field(False, description="stay open for devices that come later")

    @model_validator(mode="after")
    def _check_plan(self) -> "PlanOfRollout":
        self.terms()
        return self

    def terms(self) -> RolloutTerms:
        """As the platform keeps it.

        Raises:
            ValueError: the waves or the strata are wrong.
        """
        plan = RolloutPlan(
            waves=tuple(Wave(share) for share in self.waves),
            strata_keys=tuple(self.strata),
            halt_per_cent=self.halt_per_cent,
            halt_minimum=self.halt_minimum,
            success_per_cent=self.success_per_cent,
            deadline_s=self.deadline_s,
            attempts=self.attempts,
            priority=self.priority,
            most_at_once=self.most_at_once,
        )
        return RolloutTerms(plan, self.starts, self.confirm_ms, self.answer_s, self.standing)


class RolloutGiven(JsonBody):
    """A rollout that is to be drafted."""

    uid: UidDigits
    number: int = Field(ge=1, lt=1 << 63)
    name: Label
    query: str = Field("", max_length=MAX_QUERY_CHARACTERS, description="which devices")
    plan: PlanOfRollout = Field(default_factory=PlanOfRollout)

    def new(self) -> NewRollout:
        """As the platform takes it."""
        uid = bytes.fromhex(self.uid)
        return NewRollout(uid, self.number, self.name, self.query, self.plan.terms())


class PreviewAsked(JsonBody):
    """A rollout that somebody thinks of."""

    uid: UidDigits
    number: int = Field(ge=1, lt=1 << 63)
    query: str = Field("", max_length=MAX_QUERY_CHARACTERS, description="which devices")
    plan: PlanOfRollout = Field(default_factory=PlanOfRollout)


class PreviewShown(JsonAnswer):
    """The devices that it would be for now."""

    devices: int
    waves: list[int]
    """How many of them would be in each wave."""
    kinds: dict[str, int]
    """The most frequent kinds, and how many of each."""
    examples: list[str]
    """The names of some of them."""

    @classmethod
    def of(cls, found: TargetPreview) -> "PreviewShown":
        """From what was counted."""
        return cls(
            devices=found.devices,
            waves=list(found.waves),
            kinds=found.kinds,
            examples=list(found.examples),
        )


class StartGiven(JsonBody):
    """A rollout is to be started."""

    despite: int = Field(
        0,
        ge=0,
        le=MAX_NUMBER,
        description="how many devices will not take it, or were not judged, as its judgement says",
    )


class WaveShown(JsonAnswer):
    """A wave, and how many of its devices are how far."""

    per_cent: int
    waiting: int
    told: int
    done: int
    failed: int
    superseded: int
    skipped: int
    forgiven: int

    @classmethod
    def of(cls, row: RolloutWaveRow) -> "WaveShown":
        """From its row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class RolloutShown(JsonAnswer):
    """A rollout."""

    id: int
    name: str
    release: str
    """Uid and number, as in `626f78/3`."""
    infrastructure: str
    owner: str
    query: str
    plan: dict[str, Any]
    state: RolloutState
    wave: int
    """The current one, from 0."""
    waves: list[WaveShown]
    """Empty before the start."""
    halt_reason: str
    judgement: dict[str, Any] | None
    """What was said of its devices when it was started."""
    created_s: float
    started_s: float | None
    ended_s: float | None

    @classmethod
    def of(cls, row: RolloutRow, names: dict[int, str]) -> "RolloutShown":
        """From its row, and the names of organisations by their ids."""
        return cls(
            id=row.id,
            name=row.name,
            release=name_of(row.release),
            infrastructure=names[row.organisation_id],
            owner=names[row.owner_id],
            query=row.query,
            plan=row.plan,
            state=RolloutState(row.state),
            wave=row.wave,
            waves=[WaveShown.of(each) for each in row.waves],
            halt_reason=row.halt_reason,
            judgement=row.judgement,
            created_s=row.created_s,
            started_s=row.started_s,
            ended_s=row.ended_s,
        )


class RolloutsShown(JsonAnswer):
    """Rollouts, the newest first."""

    rollouts: list[RolloutShown]
    next: int | None
    """The value of `before` for those that follow; null if there are no more."""


class RolloutDeviceShown(JsonAnswer):
    """How far a rollout is with a device."""

    device: str
    wave: int
    progress: DeviceProgress
    attempts: int
    reason: str
    detail: str
    changed_s: float

    @classmethod
    def of(cls, name: str, row: RolloutDeviceRow) -> "RolloutDeviceShown":
        """From the name of the device and the row."""
        return cls(
            device=name,
            wave=row.wave,
            progress=DeviceProgress(row.progress),
            attempts=row.attempts,
            reason=row.reason,
            detail=row.detail,
            changed_s=row.changed_s,
        )


class RolloutDevicesShown(JsonAnswer):
    """Devices of a rollout, by their names."""

    devices: list[RolloutDeviceShown]
    next: str
    """The value of `after` for those that follow; empty if there are no more."""
