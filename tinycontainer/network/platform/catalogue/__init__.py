"""What the parties bring: keys, applications, artefacts and releases."""
