"""Faults in carrying an envelope out, and in changing several containers at once."""

from .fault import Fault

UPDATE_FAULTS = [
    Fault(
        "ignores the condition on the class",
        "TC-UPD-11",
        "tinycontainer.suit.processor",
        'if wanted != found:\n            problem = f"it is for',
        "if wanted != found and label is not Label.CLASS_IDENTIFIER:\n"
        '            problem = f"it is for',
    ),
    Fault(
        "does not demand a condition on the vendor",
        "TC-UPD-11",
        "tinycontainer.suit.processor",
        "    Label.VENDOR_IDENTIFIER: UpdateReason.VENDOR,\n",
        "",
    ),
    Fault(
        "demands conditions for the first component alone",
        "TC-UPD-11",
        "tinycontainer.suit.processor",
        "for component in self._components:\n            for label",
        "for component in self._components[:1]:\n            for label",
    ),
    Fault(
        "fits any device while it has no id",
        "TC-UPD-11",
        "tinycontainer.suit.processor",
        'raise _refused(reason, command, component, "this device has no identifier of its own")',
        "return",
    ),
    Fault(
        "aborts nothing",
        "TC-UPD-05",
        "tinycontainer.suit.processor",
        'raise _refused(UpdateReason.ABORTED, command, component, "the manifest says so")',
        "pass",
    ),
    Fault(
        "validates before it installs",
        "TC-UPD-12",
        "tinycontainer.suit.processor",
        "    ManifestMember.INSTALL,\n    ManifestMember.VALIDATE,\n",
        "    ManifestMember.VALIDATE,\n    ManifestMember.INSTALL,\n",
    ),
    Fault(
        "carries the shared sequence out before the first one alone",
        "TC-UPD-12",
        "tinycontainer.suit.processor",
        "yield from self._run(manifest.shared)",
        "first = min(manifest.sequences, key=_ORDER.index)\n"
        "                yield from self._run(manifest.shared if member is first else ())",
    ),
    Fault(
        "forgets parameters between two sequences",
        "TC-UPD-12",
        "tinycontainer.suit.processor",
        "yield from self._run(manifest.shared)",
        "for component in self._components:\n"
        "                    component.parameters.clear()\n"
        "                yield from self._run(manifest.shared)",
    ),
    Fault(
        "names another reason where all alternatives fail",
        "TC-UPD-13",
        "tinycontainer.suit.processor",
        "                failure = error\n",
        "",
    ),
    Fault(
        "keeps what an alternative did that failed",
        "TC-UPD-13",
        "tinycontainer.suit.processor",
        "self._components = kept\n",
        "pass\n",
    ),
    Fault(
        "lets alternatives go on from each other",
        "TC-UPD-13",
        "tinycontainer.suit.processor",
        "self._components = [component.copy() for component in kept]",
        "self._components = kept",
    ),
    Fault(
        "keeps what an alternative has selected",
        "TC-UPD-13",
        "tinycontainer.suit.processor",
        "            finally:\n                self._selected = selected",
        "            finally:\n                pass",
    ),
    Fault(
        "finds only payloads whose names begin with #",
        "TC-UPD-14",
        "tinycontainer.suit.processor",
        'if uri.startswith("#") or uri in self._examined.envelope.payloads:',
        'if uri.startswith("#"):',
    ),
    Fault(
        "writes no content",
        "TC-UPD-14",
        "tinycontainer.suit.processor",
        "component.parameters.get(Parameter.CONTENT)",
        "component.parameters.get(Parameter.URI)",
    ),
    Fault(
        "stages more than fits",
        "TC-UPD-14",
        "tinycontainer.suit.processor",
        "if len(content) > most_bytes:",
        "if False:",
    ),
    Fault(
        "compares no digest of an image",
        "TC-UPD-15",
        "tinycontainer.suit.processor",
        "if found != wanted.value:",
        "if False:",
    ),
    Fault(
        "compares no size of an image",
        "TC-UPD-15",
        "tinycontainer.suit.processor",
        "if isinstance(size_bytes, int) and size_bytes != len(content):",
        "if False:",
    ),
    Fault(
        "takes what was never matched",
        "TC-UPD-15",
        "tinycontainer.suit.processor",
        "if component.staged is None or not component.matched:",
        "if component.staged is None:",
    ),
    Fault(
        "takes what was matched before it was fetched again",
        "TC-UPD-15",
        "tinycontainer.suit.processor",
        "self.staged, self.matched = content, False",
        "self.staged = content",
    ),
    Fault(
        "matches nothing of what is installed",
        "TC-UPD-15",
        "tinycontainer.suit.processor",
        "return self._target.installed(component.uid, component.section)",
        "return None",
    ),
    Fault(
        "invokes any section",
        "TC-UPD-16",
        "tinycontainer.suit.processor",
        "if component.section is not UpdateSection.CODE:",
        "if False:",
    ),
    Fault(
        "starts nothing that is invoked",
        "TC-UPD-16",
        "tinycontainer.suit.processor",
        "component.starts = True",
        "pass",
    ),
    Fault(
        "starts what is not invoked",
        "TC-UPD-16",
        "tinycontainer.device.containers.joint_changes",
        "if change.starts or (before is not None and before.is_to_run):",
        "if True:",
    ),
    Fault(
        "does not start again what ran",
        "TC-UPD-16",
        "tinycontainer.device.containers.joint_changes",
        "if change.starts or (before is not None and before.is_to_run):",
        "if change.starts:",
    ),
    Fault(
        "deletes containers for one of their components",
        "TC-UPD-17",
        "tinycontainer.suit.processor",
        "if not all(component.unlinked for component in components):",
        "if not any(component.unlinked for component in components):",
    ),
    Fault(
        "deletes what is not there",
        "TC-UPD-17",
        "tinycontainer.device.containers.joint_changes",
        "return _Plan(change.uid, _require_loaded(before))",
        "return _Plan(change.uid, before)",
    ),
    Fault(
        "looks for no uid in metadata",
        "TC-UPD-05",
        "tinycontainer.suit.processor",
        "    if found != uid:",
        "    if False:",
    ),
    Fault(
        "counts one free slot for all",
        "TC-UPD-19",
        "tinycontainer.device.containers.joint_changes",
        "number = next(free, None) if before is None",
        "number = next(iter(self._memory.free_numbers()), None) if before is None",
    ),
    Fault(
        "leaves out who is refused",
        "TC-UPD-20",
        "tinycontainer.device.containers.joint_changes",
        "        plans = [self._plan(change, free) for change in changes]\n",
        "        plans = []\n"
        "        for change in changes:\n"
        "            try:\n"
        "                plans.append(self._plan(change, free))\n"
        "            except LoadError:\n"
        "                continue\n",
    ),
    Fault(
        "starts again what stays as it is",
        "TC-UPD-20",
        "tinycontainer.device.containers.joint_changes",
        "if before is not None and _has_all(before, sections, starts=change.starts):",
        "if False:",
    ),
    Fault(
        "starts a version before the last old one is gone",
        "TC-UPD-21",
        "tinycontainer.device.containers.joint_changes",
        "coming.succession = Succession(starts=True, joint=joint)",
        "coming.succession = Succession(starts=True)",
    ),
    Fault(
        "changes what waits for its start",
        "TC-UPD-21",
        "tinycontainer.device.containers.versions",
        "if container.state is State.READY and container.is_to_run:",
        "if False:",
    ),
    Fault(
        "deletes by an update without a stop hook",
        "TC-UPD-21",
        "tinycontainer.device.containers.versions",
        "container.apply(Event.DELETE, self._tracer, end=Exit(ExitReason.DELETED))",
        "container.apply(Event.DELETE, self._tracer, end=Exit(ExitReason.DELETED))\n"
        "            if container.state is State.STOPPING:\n"
        "                container.apply(Event.KILL, self._tracer)",
    ),
    Fault(
        "knows no repetition",
        "TC-UPD-22",
        "tinycontainer.suit.updater",
        "is_repetition = self._is_repetition(examined, changes)",
        "is_repetition = False",
    ),
    Fault(
        "takes for a repetition what is gone",
        "TC-UPD-22",
        "tinycontainer.suit.updater",
        " and self._is_there(change)",
        "",
    ),
    Fault(
        "records no numbers",
        "TC-UPD-23",
        "tinycontainer.device.containers.joint_changes",
        "accepted = [(SequenceSubject(plan.uid, None), number) for plan in plans]",
        "accepted = []",
    ),
    Fault(
        "records nothing of what is new",
        "TC-UPD-23",
        "tinycontainer.device.containers.joint_changes",
        "        if plan.coming is not None:\n            yield describe",
        "        if plan.coming is not None and plan.before is not None:\n"
        "            yield describe",
    ),
    Fault(
        "says nothing of accepted updates",
        "TC-UPD-24",
        "tinycontainer.device.containers.joint_changes",
        "self._tracer.mark(updated.popleft())",
        "updated.popleft()",
    ),
]
