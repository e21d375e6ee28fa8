"""``demo``: run the SmartDroneBox, from new keys to the last refusal."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import click
from pydantic import Field

from tinycontainer import metadata as metadata_codec
from tinycontainer.assembly import Device, Installation, make_setup, read_plan
from tinycontainer.files.toml_file import Table, read_toml
from tinycontainer.interfaces.clock import VirtualClock
from tinycontainer.metadata import Bundle
from tinycontainer.scenario.expectations import (
    ExpectationJudge,
    ExpectationResult,
    read_expectations,
)
from tinycontainer.scenario.script import Surprise, play_script, read_script
from tinycontainer.state import DeviceState, MemoryState, SqliteState
from tinycontainer.suit.drafts import NewVersion, UpdateDraft, make_envelope
from tinycontainer.suit.keys.key_files import parse_update_key, to_private_pem, to_public_pem
from tinycontainer.suit.keys.keys import UpdateAlgorithm, UpdateKey
from tinycontainer.suit.rules import derive_identity
from tinycontainer.suit.signing import sign_envelope
from tinycontainer.symbols.places import Symbolizer
from tinycontainer.text import flatten, show
from tinycontainer.tools.packing import packing
from tinycontainer.tools.packing.manifest import read_manifest
from tinycontainer.tools.pictures import TimelineBuilder
from tinycontainer.trace import Human, Sink, Tally
from tinycontainer_tokens import KeyMaterial, Role, key_files

from ...installation import with_installation
from ...options import force_option, json_option, path_option
from ...output_files import write_file
from ...printing import print_json
from ...verb import ExitCode, Verb, VerbRefused, say
from .expectation_report import expectations_as_dicts, print_expectations, say_unmet
from .listeners import print_lines, show_progress, trace_to
from .picture_files import PictureFiles, picture_options
from .run_summary import print_summary, summarize_run

_EXAMPLE: Final = "smartdronebox"
_EXPECTATIONS: Final = "expectations.toml"
_RUN_MS: Final = 20_000


class BundleTable(Table):
    """A bundle that the demo makes."""

    manifest: str
    out: str
    mask_token_of: str | None = Field(default=None, description="use another one's mask token")
    spoil_code: bool = Field(default=False, description="change one bit of the code after signing")


class EnvelopeTable(Table):
    """An update that the demo makes and signs."""

    bundles: list[str] = Field(description="names of bundles that it brings")
    sequence: int
    out: str
    exchange_code: bool = Field(
        default=False, description="put other code into the envelope after signing"
    )


class BundlesFile(Table):
    """All bundles and updates of the demo, in the order in which they are made."""

    bundles: list[BundleTable]
    updates: list[EnvelopeTable] = Field(default_factory=list)


@click.command(cls=Verb)
@path_option("--trace", help="Write all events to this file (JSON lines).")
@path_option(
    "--keep",
    help="Keep keys, bundles, files, demo.jsonl (trace) and device.db (state) in this directory.",
)
@picture_options
@force_option
@json_option
@with_installation
def demo(
    installation: Installation,
    trace: Path | None,
    keep: Path | None,
    pictures: PictureFiles,
    force: bool,
    as_json: bool,
) -> int:
    """Run the SmartDroneBox: four tenants, one intruder, one device, 20 seconds of virtual time.

    Makes new keys for the four roles, packs and signs all containers, loads and runs them, takes
    the mapper's radio away and gives it back, updates the courier, lets the intruder try ten
    attacks, and checks the outcome of each. The exit code is 0 only if everything happened as
    expected.

    Example: tinycontainerctl demo --keep box
    """
    pictures.check(trace, force=force)
    tally = Tally()
    builder = TimelineBuilder()
    with _workspace(keep) as directory:
        _make_keys(directory / "keys")
        _make_bundles(directory)
        # The directory has another name at every run.
        expected = read_expectations(directory / _EXPECTATIONS, called=_EXPECTATIONS)
        judge = ExpectationJudge(expected)
        kept_trace = directory / "demo.jsonl" if keep is not None else None
        with trace_to(trace, force=force) as sinks, trace_to(kept_trace, force=False) as more:
            sinks += [*more, tally, judge, *pictures.sinks(builder)]
            if not as_json:
                sinks.append(Human(click.echo))
            show_line = print_lines(quiet=as_json)
            state = MemoryState() if keep is None else SqliteState(directory / "device.db")
            try:
                now_ns, surprises = _play_script(directory, installation, sinks, show_line, state)
            finally:
                state.close()
    findings = judge.results()
    held = not surprises and all(finding.held for finding in findings)
    pictures.write(builder.build(now_ns), "The SmartDroneBox: who ran when")
    summary = summarize_run(now_ns, tally, Symbolizer())
    if as_json:
        print_json(summary | _judgement_as_dict(findings, surprises, held=held))
    else:
        print_summary(summary)
        print_expectations(findings)
        say_unmet(findings)
        for surprise in surprises:
            say(f"error: script: {flatten(str(surprise))}")
    return ExitCode.DONE if held else ExitCode.REFUSED


def _play_script(
    directory: Path,
    installation: Installation,
    sinks: Sequence[Sink],
    show_line: Callable[[bytes], None],
    state: DeviceState,
) -> tuple[int, list[Surprise]]:
    """Device time at the end in ns, and steps that did not go as expected."""
    plan = read_plan(directory / "device.toml")
    clock = VirtualClock(plan.content.scheduling.instruction_ns)
    setup = replace(make_setup(plan, clock, installation, show_line), sequences=state)
    device = Device(setup, clock, sinks)
    script = read_script(directory / "script.toml")
    with show_progress(_RUN_MS) as tick:
        surprises = play_script(device, script, _RUN_MS, tick)
    return device.end_trace(), surprises


@contextmanager
def _workspace(keep: Path | None) -> Iterator[Path]:
    """A copy of the example; without a directory to keep it in, it is deleted at the end."""
    if keep is not None:
        if keep.exists():
            raise VerbRefused(f"{show(str(keep))}: exists; name a directory that does not")
        try:
            _copy_example(keep)
            yield keep
        except Exception:  # a box without all its files would only confuse
            shutil.rmtree(keep, ignore_errors=True)
            raise
        return
    with tempfile.TemporaryDirectory(prefix="tinycontainer-") as name:
        directory = Path(name) / _EXAMPLE
        _copy_example(directory)
        yield directory


def _copy_example(target: Path) -> None:
    with as_file(files("tinycontainer_examples").joinpath(_EXAMPLE)) as source:
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__", "keys", "*.tcb")
        )


def _make_keys(directory: Path) -> None:
    directory.mkdir()
    for role in Role:
        key = KeyMaterial.from_private(os.urandom(32))
        write_file(directory / f"{role}.pem", key_files.to_pem(key), private=True)
        write_file(directory / f"{role}.pub", key_files.to_public_pem(key))

    operator = UpdateKey.generate(UpdateAlgorithm.ESP256, os.urandom)
    write_file(directory / "operator.pem", to_private_pem(operator), private=True)
    write_file(directory / "operator.pub", to_public_pem(operator))


def _make_bundles(directory: Path) -> None:
    keys = {
        role: key_files.parse((directory / "keys" / f"{role}.pem").read_bytes()) for role in Role
    }
    made: dict[str, Bundle] = {}
    content = read_toml(directory / "bundles.toml", BundlesFile)
    for table in content.bundles:
        bundle = _make_bundle(directory, table, keys, made)
        made[table.out] = bundle
        write_file(directory / f"{table.out}.tcb", bundle.encode())
        write_file(directory / f"{table.out}.metadata", bundle.metadata)
    for update in content.updates:
        envelope = _make_update(directory, update, made)
        write_file(directory / f"{update.out}.suit", envelope)


def _make_update(directory: Path, table: EnvelopeTable, made: dict[str, Bundle]) -> bytes:
    key = parse_update_key((directory / "keys" / "operator.pem").read_bytes())
    rules = read_plan(directory / "device.toml").content
    bundles = [made[name] for name in table.bundles]
    identity = derive_identity(rules.update.vendor or "", rules.device.name)
    containers = tuple(NewVersion.of(bundle) for bundle in bundles)
    envelope = sign_envelope(make_envelope(UpdateDraft(table.sequence, identity, containers)), key)
    if table.exchange_code:  # no signature covers what an envelope carries
        code = bundles[0].code
        envelope = envelope.replace(code, code[:-1] + bytes([code[-1] ^ 1]))
    return envelope


def _make_bundle(
    directory: Path, table: BundleTable, keys: dict[Role, KeyMaterial], made: dict[str, Bundle]
) -> Bundle:
    manifest = read_manifest(directory / table.manifest)
    mask_token = None
    if table.mask_token_of is not None:
        other = metadata_codec.decode(made[table.mask_token_of].metadata)
        mask_token = other.container.syscall_mask_token
    bundle = packing.pack(manifest.blueprint, manifest.code, manifest.data, keys, mask_token)
    if table.spoil_code:  # after signing, so that the hash in the code token is wrong
        bundle = replace(bundle, code=bundle.code[:-1] + bytes([bundle.code[-1] ^ 1]))
    return bundle


def _judgement_as_dict(
    findings: list[ExpectationResult], surprises: list[Surprise], *, held: bool
) -> dict[str, Any]:
    return {
        "held": held,
        "expectations": expectations_as_dicts(findings),
        "surprises": [show(str(surprise)) for surprise in surprises],
    }
