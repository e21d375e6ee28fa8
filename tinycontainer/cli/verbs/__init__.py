"""The verbs of ``tinycontainerctl``, one file each, in six folders by what a user wants to do.

To add a verb, write one file and add one line to `VERBS`:

1. ``FOLDER/VERB.py`` defines the command ``VERB`` (``@click.command(cls=Verb)``). The first line of
   the file is its entry in the program's help: the verb's name in double backticks, a colon, one
   short sentence. The command's docstring ends with an example that runs in the demo's directory.
2. A line ``"FOLDER.VERB"`` in `VERBS`; its place there is its place in the help.

Help, completion, and the tests of all verbs find it there. A verb's module is imported only when
that verb is used, so it can import whatever it needs.
"""

from typing import Final

VERBS: Final = (
    "making.new",
    "making.keygen",
    "making.build",
    "making.pack",
    "making.sign",
    "making.assemble",
    "making.convert",
    "judging.inspect",
    "judging.verify",
    "judging.explain",
    "judging.lint",
    "judging.diff",
    "judging.model",
    "judging.state",
    "judging.conform",
    "running.demo",
    "running.run",
    "running.report",
    "running.compare",
    "updating.suit",
    "network.remote",
    "network.serve",
    "network.gateway",
    "network.platform",
    "program.runtimes",
    "program.schema",
    "program.completion",
)
"""Folder and name of each verb, in the order of the help."""
