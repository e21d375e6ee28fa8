"""The form of every answer in JSON: one model for each verb, with a version.

`tinycontainerctl schema json-VERB` prints its JSON Schema, the documentation site shows it, and
every test that reads an answer checks it against its form. A verb that gets a new key gets it
here too; ADR 34 says when the version becomes higher.
"""

from typing import Final

from . import judging, making, network, platform, program, running, state, updating
from .base import AnswerForm
from .inspection import InspectAnswer

_FORMS: Final = (
    AnswerForm("new", 1, making.NewAnswer),
    AnswerForm("keygen", 1, making.KeygenAnswer),
    AnswerForm("build", 1, making.BuildAnswer),
    AnswerForm("pack", 1, making.PackedAnswer),
    AnswerForm("sign code", 1, making.SignAnswer),
    AnswerForm("sign data", 1, making.SignAnswer),
    AnswerForm("sign endpoint", 1, making.SignAnswer),
    AnswerForm("sign mask", 1, making.SignAnswer),
    AnswerForm("assemble", 1, making.PackedAnswer),
    AnswerForm("convert", 1, making.PackedAnswer),
    AnswerForm("inspect", 1, InspectAnswer | updating.InspectedEnvelope),
    AnswerForm("verify", 1, judging.VerifyAnswer),
    AnswerForm("explain", 1, judging.ExplainAnswer),
    AnswerForm("lint", 1, judging.LintAnswer),
    AnswerForm("diff", 1, judging.DiffAnswer),
    AnswerForm("model", 1, judging.ModelAnswer),
    AnswerForm("state", 1, state.StateAnswer | state.SetTimeAnswer),
    AnswerForm("conform", 1, judging.ConformAnswer),
    AnswerForm("demo", 1, running.DemoAnswer),
    AnswerForm("run", 1, running.RunAnswer),
    AnswerForm("report", 1, running.ReportAnswer),
    AnswerForm("compare", 1, running.CompareAnswer),
    AnswerForm("suit create", 1, updating.SuitCreateAnswer),
    AnswerForm("suit sign", 1, updating.SuitSignAnswer),
    AnswerForm("suit verify", 1, updating.SuitVerifyAnswer),
    AnswerForm("suit inspect", 1, updating.InspectedEnvelope),
    AnswerForm("suit extract", 1, updating.SuitExtractAnswer),
    AnswerForm("remote", 1, network.RemoteAnswer),
    AnswerForm("serve", 1, network.ServeLine, has_many=True),
    AnswerForm("gateway", 1, network.GatewayAnswer, has_many=True),
    AnswerForm("platform serve", 1, platform.PlatformServeAnswer, has_many=True),
    AnswerForm("platform init", 1, platform.PlatformInitAnswer),
    AnswerForm("platform demo", 1, platform.PlatformDemoAnswer | platform.PlatformDemoCheckAnswer),
    AnswerForm("platform backup", 1, platform.PlatformCopyAnswer),
    AnswerForm("platform restore", 1, platform.PlatformCopyAnswer),
    AnswerForm("platform verify-audit", 1, platform.PlatformAuditAnswer),
    AnswerForm("platform sign", 1, platform.PlatformSignAnswer),
    AnswerForm("platform withdraw", 1, platform.PlatformWithdrawAnswer),
    AnswerForm("platform evidence", 1, network.EvidenceAnswer),
    AnswerForm("runtimes", 1, program.RuntimesAnswer),
    AnswerForm("completion", 1, program.CompletionAnswer),
)

ANSWERS: Final = {each.verb: each for each in _FORMS}
"""The form of what each verb prints with ``--json``, by its words; `schema` prints schemas."""

__all__ = ["ANSWERS", "AnswerForm"]
