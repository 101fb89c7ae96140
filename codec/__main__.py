"""`python -m codec` is the command `codec`."""

from .cli.start import command

command()
