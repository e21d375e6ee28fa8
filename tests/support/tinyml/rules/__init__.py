"""Models that the check judges, each with what it breaks; None for one that is good."""

from support.tinyml.rules.files import FILES
from support.tinyml.rules.forms import FORMS
from support.tinyml.rules.operators import OPERATORS

JUDGED = [*OPERATORS, *FORMS, *FILES]
