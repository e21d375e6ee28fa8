"""The audit of a container before its owner signs its mask: findings with stable ids."""

from .finding import Finding, Rule, Severity
from .gathering import Tools, gather, host_of
from .rulebook import RULES, audit
from .subject import Audit, AuditSubject, Host

__all__ = [
    "RULES",
    "Audit",
    "AuditSubject",
    "Finding",
    "Host",
    "Rule",
    "Severity",
    "Tools",
    "audit",
    "gather",
    "host_of",
]
