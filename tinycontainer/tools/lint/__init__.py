"""The audit of a container before its owner signs its mask: findings with stable ids.

`rulebook` lists the chapters of rules and says how to add a rule; `subject` is what rules look at.
"""

from .rule import Finding, Rule, Severity
from .rulebook import RULES, audit_containers
from .subject import Audit, AuditSubject, CodeTools, Host, gather_host, gather_subject, make_host

__all__ = [
    "RULES",
    "Audit",
    "AuditSubject",
    "CodeTools",
    "Finding",
    "Host",
    "Rule",
    "Severity",
    "audit_containers",
    "gather_host",
    "gather_subject",
    "make_host",
]
