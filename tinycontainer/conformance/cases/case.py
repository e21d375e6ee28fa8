"""Cases as data: the content of the TOML files under `specs/conformance/cases/`.

A file is one case: its device, recipes of its containers, and its steps.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from tinycontainer.device.containers.limits import Policy
from tinycontainer.files.fields import DirectionName, SyscallName, uid_from_text
from tinycontainer.files.toml_file import Table, read_toml
from tinycontainer.text import show
from tinycontainer_tokens import Profile, Role

from ..description import DeviceTraits
from ..errors import CaseError
from ..protocol import Ability
from .steps import (
    BundleStep,
    BytesStep,
    JudgeExpectation,
    LoadStep,
    Name,
    ReconfigureStep,
    ReplaceStep,
    SectionStep,
    Step,
    UpdateStep,
)
from .updates import DeviceUpdateRecipe, UpdateRecipe

CASES_DIRECTORY: Final = "cases"
MAX_CASES: Final = 1000
MAX_STEPS: Final = 200

GroupName = Literal[
    "bundles",
    "metadata",
    "tokens",
    "loading",
    "judging",
    "replacing",
    "remembering",
    "update",
    "life",
    "scheduling",
    "calls",
    "endpoints",
    "runtime",
    "rbpf",
    "tinyml",
    "timing",
]
GROUPS: Final[tuple[GroupName, ...]] = get_args(GroupName)
"""All groups; only ``timing`` depends on what an instruction costs."""
ClauseId = Annotated[
    str, Field(pattern=r"^TC-(META|TOK|LOAD|LIFE|SCHED|CALL|END|RT|BPF|TML|STATE|UPD)-[0-9]{2}$")
]


class EndpointRecipe(Table):
    """An entry of the endpoints array."""

    id: int
    peer: int = 1
    container: str | None = Field(None, description="uid of the peer, if it is a container")
    remote: bool = False
    direction: DirectionName = "both"


class TimingRecipe(Table):
    """Security array, and container keys 4 to 7 (``exec`` and those with ``key_``)."""

    start: int = 0
    period: int = 0
    loop: int = 0
    lifetime: int = 0
    stop: int = 0
    exec: int | None = None
    key_period: int | None = None
    period_max: int | None = None
    key_lifetime: int | None = None


class TokenRecipe(Table):
    """Claims, and deliberate faults of the tokens."""

    sequence: int = 1
    audience: str | None = None
    expires_s: int | None = None
    expires: dict[str, int] = Field(
        default_factory=dict, description="place to exp in Unix seconds, in place of expires_s"
    )
    not_before_s: int | None = None
    hmac: list[Role] = Field(default_factory=list, description="roles that use their HMAC key")
    ed25519: list[Role] = Field(default_factory=list, description="roles that write alg -19")
    sign_endpoints: bool = False
    unsigned: bool = False
    mask_bytes: str | None = Field(None, description="the mask claim as hexadecimal digits")
    mask_of: str | None = Field(None, description="take the mask token of another container")
    strangers: list[Role] = Field(
        default_factory=list, description="roles that sign with a key that nobody trusts"
    )
    swapped: list[Role] = Field(
        default_factory=list, description="a role, and the role whose key it signs with"
    )
    kind: dict[str, str] = Field(default_factory=dict, description="place to claimed kind")


class ContainerRecipe(Table):
    """How a container of a case is made. Playing the case needs only its name and uid."""

    name: Name
    uid: str | None = Field(None, description="by default the name; hex: for bytes")
    profile: Profile | None = Field(None, description="of its tokens; default: the variant's")
    script: str = Field("", max_length=390, description="what the puppet does")
    code: str | None = Field(None, description="another file of the directory containers")
    data: str = ""
    data_file: str | None = Field(None, description="a file of the directory containers")
    calls: list[SyscallName] = Field(list(get_args(SyscallName)))
    type: int = 4
    endpoints: list[EndpointRecipe] = Field(default_factory=list)
    timing: TimingRecipe = TimingRecipe()
    priority: int | None = None
    tokens: TokenRecipe = TokenRecipe()
    damage: str | None = Field(None, description="a named defect of `recipes.damages`")


class DeviceRecipe(DeviceTraits):
    """The device of a case, without what the policy and the profile of a variant decide."""

    accept: list[Profile] | None = Field(None, description="by default the profile of the variant")
    hmac: list[Role] = Field(default_factory=list, description="roles with an HMAC key")
    ed25519: list[Role] = Field(default_factory=list, description="roles with a key for -19 alone")
    without: list[Role] = Field(default_factory=list, description="roles without a key")
    key_uids: list[str] | None = Field(None, description="containers that keys may sign for")
    update: DeviceUpdateRecipe = DeviceUpdateRecipe()


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("is one line of text")
    return text


class Case(Table):
    """One case."""

    id: Name
    title: Annotated[str, AfterValidator(_one_line)] = Field(max_length=200)
    clauses: list[ClauseId] = Field(min_length=1)
    group: GroupName
    needs: list[Ability] = Field(default_factory=list, description="without it: skipped")
    profiles: list[Profile] = Field(list(Profile), min_length=1)
    policies: list[Policy] = Field(list(Policy), min_length=1)
    device: DeviceRecipe = DeviceRecipe()
    containers: list[ContainerRecipe] = Field(default_factory=list, max_length=64)
    updates: list[UpdateRecipe] = Field(default_factory=list, max_length=64)
    steps: list[Step] = Field(min_length=1, max_length=MAX_STEPS)

    @model_validator(mode="after")
    def _check_names(self) -> "Case":
        known = {container.name for container in self.containers}
        updates = {update.name for update in self.updates}
        if len(known) < len(self.containers):
            raise ValueError("containers: one name is used twice")
        if len(updates) < len(self.updates):
            raise ValueError("updates: one name is used twice")
        for number, step in enumerate(self.steps):
            key, name = _name_of_content(step)
            if name is not None and name not in known:
                raise ValueError(f"steps[{number}].{key}: there is no container {show(name)}")
            if isinstance(step, UpdateStep) and step.update not in updates:
                problem = f"there is no update {show(step.update)}"
                raise ValueError(f"steps[{number}].update: {problem}")
        return self

    def bundled(self) -> list[ContainerRecipe]:
        """The containers that have a bundle: all but those that only updates bring."""
        named = {_name_of_content(step)[1] for step in self.steps}
        brought = {name for update in self.updates for name in update.containers}
        return [each for each in self.containers if each.name in named or each.name not in brought]

    def bundle_name(self, container: ContainerRecipe, profile: Profile) -> str:
        """File name of a container's bundle in the directory ``bundles``."""
        return f"{self.id}.{container.name}.{profile.value}.tcb"

    def envelope_name(self, update: str, profile: Profile) -> str:
        """File name of an update's envelope in the directory ``envelopes``."""
        return f"{self.id}.{update}.{profile.value}.suit"

    def uid(self, name: str) -> bytes:
        """uid of a container of this case; any other name is a uid itself."""
        for container in self.containers:
            if container.name == name:
                return uid_of(container)
        return name.encode()


def _name_of_content(step: Step) -> tuple[str, str | None]:
    """The container whose bytes a step needs, and the key that names it; None if it needs none."""
    match step:
        case LoadStep():
            return "load", step.load
        case BundleStep():
            return "bundle", step.bundle
        case ReconfigureStep():
            return "reconfigure", step.reconfigure
        case ReplaceStep():
            return "replace", step.replace
        case JudgeExpectation():
            return "judge", step.judge
        case BytesStep():
            return "bytes_of", step.bytes_of
        case SectionStep():
            return "of", step.of
    return "", None


def uid_of(container: ContainerRecipe) -> bytes:
    """uid of a container; by default its name."""
    if container.uid is None:
        return container.name.encode()
    return uid_from_text(container.uid)


def read_cases(directory: Path) -> list[Case]:
    """Read all cases under a directory, by group and id.

    Raises:
        DeviceFileError: a file cannot be used.
        CaseError: there are no cases, too many, or one whose id is not its file's name.
    """
    paths = sorted((directory / CASES_DIRECTORY).glob("*.toml"))[: MAX_CASES + 1]
    if not paths or len(paths) > MAX_CASES:
        raise CaseError(
            f"{show(str(directory / CASES_DIRECTORY))}: holds"
            f" {'no cases' if not paths else f'more than {MAX_CASES} cases'}"
        )
    cases = []
    for path in paths:
        case = read_toml(path, Case)
        if path.stem != case.id:
            raise CaseError(f"{show(str(path))}: id: {show(case.id)} is not the file's name")
        cases.append(case)
    return sorted(cases, key=lambda case: (GROUPS.index(case.group), case.id))
