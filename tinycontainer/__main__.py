"""``python -m tinycontainer`` is the program ``tinycontainerctl``."""

from tinycontainer.cli.main import run_as_program

if __name__ == "__main__":
    run_as_program()
