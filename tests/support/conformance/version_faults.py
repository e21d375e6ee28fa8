"""Faults in judging a bundle and in putting one version in the place of another."""

from .fault import Fault

VERSION_FAULTS = [
    Fault(
        "stops what a refused successor was meant for",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        'record_refusal(self._tracer, "replace", uid, error)\n            raise',
        'record_refusal(self._tracer, "replace", uid, error)\n'
        "            found = self._find(uid)\n"
        "            if found is not None:\n"
        "                found.apply(Event.DELETE, self._tracer)\n"
        "            raise",
    ),
    Fault(
        "records no sequences of successors",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "                    successor.grant.accepted,",
        "                    (),",
    ),
    Fault(
        "starts the successor of what did not run",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "            if container.state is State.RUNNING:",
        "            if True:",
    ),
    Fault(
        "does not start successors",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "starts=True, predecessor=kept",
        "starts=False, predecessor=kept",
    ),
    Fault(
        "replaces without a stop hook",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "container.apply(Event.DELETE, self._tracer, str(end), end, successor)",
        "container.apply(Event.DELETE, self._tracer, str(end), end, successor)\n"
        "        if container.state is State.STOPPING:\n"
        "            container.apply(Event.KILL, self._tracer)",
    ),
    Fault(
        "puts successors into another slot",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "Slot(container.slot.number, self._rules.capacity)",
        "Slot(container.slot.number + 2, self._rules.capacity)",
    ),
    Fault(
        "wants a second slot for a successor",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "            container = self.require_changeable(uid)\n            successor",
        "            container = self.require_changeable(uid)\n"
        "            if self._rules.capacity.slots == 1:\n"
        '                raise LoadError(LoadReason.NO_SLOT, "")\n'
        "            successor",
    ),
    Fault(
        "lets the stop hook go on when a stopping container is killed",
        "TC-LIFE-09",
        "tinycontainer.device.containers.lifecycle",
        "Transition(_S.STOPPING, _E.KILL, _S.STOPPING, stop_hook_aborted=True)",
        "Transition(_S.STOPPING, _E.KILL, _S.STOPPING)",
    ),
    Fault(
        "runs successors by the runtime of the old version",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "Container.approved(self._spare_slot(container, sections), approved)",
        "Container.approved(\n"
        "                self._spare_slot(container, sections),\n"
        "                type(approved)(approved.metadata, container.runtime, approved.grant),\n"
        "            )",
    ),
    Fault(
        "replaces what winds down",
        "TC-LOAD-16",
        "tinycontainer.device.containers.versions",
        "if container.state not in (State.READY, State.RUNNING):",
        "if False:",
    ),
    Fault(
        "keeps successors of what is deleted",
        "TC-LOAD-16",
        "tinycontainer.device.containers.container",
        "if event is not Event.DELETE:",
        "if successor is None:",
    ),
    Fault(
        "tells peers nothing of a replacement",
        "TC-LOAD-16",
        "tinycontainer.device.running.executions",
        "self._service.forget(container.uid)",
        "if container.successor is None:\n            self._service.forget(container.uid)",
    ),
    Fault(
        "starts successors whose tokens have expired",
        "TC-LOAD-16",
        "tinycontainer.device.running.executions",
        "self.start(self._controller.start(container.uid))",
        "container.apply(Event.START, self._tracer)\n                    self.start(container)",
    ),
    Fault(
        "confirms no version",
        "TC-LOAD-17",
        "tinycontainer.device.running.executor",
        "if not container.is_unconfirmed or is_fault or container.state is not State.RUNNING:",
        "if True:",
    ),
    Fault(
        "confirms a version that has ended",
        "TC-LOAD-18",
        "tinycontainer.device.running.executor",
        "is_fault or container.state is not State.RUNNING:",
        "is_fault:",
    ),
    Fault(
        "records the sequences of a version on trial at once",
        "TC-LOAD-17",
        "tinycontainer.device.containers.versions",
        "self.supersede(container, successor), None)",
        "self.supersede(container, successor), None, successor.grant.accepted)",
    ),
    Fault(
        "records no sequences of confirmed versions",
        "TC-LOAD-17",
        "tinycontainer.device.containers.versions",
        "                container.grant.accepted,",
        "                (),",
    ),
    Fault(
        "takes what is at rest on trial",
        "TC-LOAD-17",
        "tinycontainer.device.containers.versions",
        "if to_confirm and container.state is not State.RUNNING:",
        "if False:",
    ),
    Fault(
        "ends no trial in time",
        "TC-LOAD-18",
        "tinycontainer.device.running.executions",
        "self._scheduler.set_alarm(execution.slot, Alarm.CONFIRMATION, deadline_ns)",
        "self._scheduler.set_alarm(execution.slot, Alarm.CONFIRMATION, None)",
    ),
    Fault(
        "keeps a version on trial that ended",
        "TC-LOAD-18",
        "tinycontainer.device.running.executions",
        'self.undo_replacement(container, "it ended before it completed a loop")',
        "pass",
    ),
    Fault(
        "keeps a version on trial that did not start",
        "TC-LOAD-18",
        "tinycontainer.device.running.executions",
        'self.undo_replacement(container, "it did not start")',
        "pass",
    ),
    Fault(
        "brings the old version of what was deleted back",
        "TC-LOAD-18",
        "tinycontainer.device.running.executions",
        "if container.is_unconfirmed and not container.condition.delete_pending:",
        "if container.is_unconfirmed:",
    ),
    Fault(
        "starts the old version of what was stopped on request",
        "TC-LOAD-18",
        "tinycontainer.device.containers.versions",
        "succession.predecessor.revived(starts=container.predecessor_starts)",
        "succession.predecessor.revived(starts=True)",
    ),
    Fault(
        "gives the old version the rights of the new one",
        "TC-LOAD-18",
        "tinycontainer.device.containers.versions",
        "        end = Exit(ExitReason.UNCONFIRMED)",
        "        revived.grant = container.grant\n        end = Exit(ExitReason.UNCONFIRMED)",
    ),
    Fault(
        "gives the old version a new lifetime",
        "TC-LOAD-18",
        "tinycontainer.device.containers.container",
        "succession=Succession(starts=True, resumes=True)",
        "succession=Succession(starts=True, resumes=False)",
    ),
    Fault(
        "changes a version on trial",
        "TC-LOAD-18",
        "tinycontainer.device.containers.versions",
        "if container.is_unconfirmed:",
        "if False:",
    ),
    Fault(
        "judges a successor as a load",
        "TC-LOAD-15",
        "tinycontainer.device.containers.controller",
        "        if replaces:",
        "        if False:",
    ),
    Fault(
        "judges no metadata",
        "TC-LOAD-15",
        "tinycontainer.device.containers.controller",
        'return (passed("bundle"), slot, *fitting, *judgement.checks())',
        'return (passed("bundle"), slot, *fitting)',
    ),
    Fault(
        "judges without a look at slots",
        "TC-LOAD-15",
        "tinycontainer.device.containers.controller",
        'return (passed("bundle"), slot, *fitting, *judgement.checks())',
        'return (passed("bundle"), *fitting, *judgement.checks())',
    ),
    Fault(
        "ends a load that is under way for a judgement",
        "TC-LOAD-15",
        "tinycontainer.device.containers.controller",
        'slot = check("slot", self._loading.require_possible)',
        'slot = check("slot", self._loading.require_possible)\n        self.abandon_load()',
    ),
    Fault(
        "records the sequences of what it judges",
        "TC-LOAD-15",
        "tinycontainer.device.containers.controller",
        'return (passed("bundle"), slot, *fitting, *judgement.checks())',
        "grant = Judgement(self._rules, sections, self._epoch_s()).require().grant\n"
        "        self._change.make(lambda: None, None, grant.accepted)\n"
        '        return (passed("bundle"), slot, *fitting, *judgement.checks())',
    ),
]
