"""The command line, ``tinycontainerctl``: one file per verb."""
