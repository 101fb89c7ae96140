"""`python -m codec` is the command `codec`."""

from .cli.main import command

command()
