"""The verbs of ``tinycontainerctl``, one file each, by what a user is about to do."""
