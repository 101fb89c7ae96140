"""Shared by the verbs: messages, untrusted text, JSON."""

import json
import sys
from itertools import islice

import click

from .. import __version__
from ._words import spoken

SCHEMA = 1
TOGETHER = 1000  # lines of a long list that are printed by one call


class Failure(click.ClickException):
    """End the command with a message on stderr and exit code 1."""

    def show(self, file=None):
        say(self.message)


def printable(text):
    """Text from file names or metadata with control characters escaped.

    >>> from codec.cli._common import printable
    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    >>> printable("n\\udce4me")
    'n\\\\xe4me'
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character):
    if "\udc80" <= character <= "\udcff":  # a byte of a name that is no text (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode()


def say(message):
    """Print lines on stderr, prefixed with "codec: "."""
    click.echo("\n".join(f"codec: {printable(line)}" if line else "" for line in str(message).split("\n")), err=True)


def warn(name, message):
    """Print a warning of the library about a file, in the words of the command that runs."""
    context = click.get_current_context(silent=True)
    say(f"warning: {name}: {spoken(message, context.command) if context else message}")


def size(count):
    """A number of bytes in readable form, with powers of 1024.

    >>> from codec.cli._common import size
    >>> size(512), size(204800)
    ('512 B', '200.0 KiB')
    """
    if count < 1024:
        return f"{count} B"
    value, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if value >= 1024:
            value, unit = value / 1024, larger
    return f"{value:.1f} {unit}"


def echo_json(verb, **content):
    """Print one JSON object on stdout. `schema` is incremented when a key changes its meaning or is removed."""
    click.echo(json.dumps({"schema": SCHEMA, "verb": verb, "codec": __version__, **content}, indent=2))


def echo_listed(verb, before, name, items, after):
    """`echo_json` with a list that may be long: each item becomes one line, as it is printed.

    Parameters
    ----------
    verb : str
    before, after : dict
        The keys around the list.
    name : str
        The key of the list.
    items : iterable of dict
    """
    head = json.dumps({"schema": SCHEMA, "verb": verb, "codec": __version__, **before}, indent=2)
    click.echo(f'{head[:-2]},\n  "{name}": [', nl=False)
    between, texts = "", (f"\n    {json.dumps(item)}" for item in items)  # without indent the encoder is compiled
    while some := ",".join(islice(texts, TOGETHER)):
        click.echo(between + some, nl=False)
        between = ","
    end = "\n  ]," if between else "],"
    click.echo(end + json.dumps(after, indent=2)[1:])


def echo_line(kind, **content):
    """Print one JSON object as a line on stdout, at once; `kind` tells what it is."""
    click.echo(json.dumps({"schema": SCHEMA, "type": kind, **content}))
    sys.stdout.flush()


def refuse_terminal():
    """Refuse to write binary data to a terminal, which it could control."""
    if sys.stdout.isatty():
        raise click.UsageError("stdout is a terminal, and the output is binary; redirect it, or name a file with -o")


def refuse_both(name, *others):
    """A usage error if an option is given together with one of others.

    Parameters
    ----------
    name : str
        As the command receives it.
    others : str
    """
    for other in others:
        if _given(name) and _given(other):
            raise click.UsageError(f"{_spelled(name)} and {_spelled(other)} exclude each other")


def refuse_for(name, *others, instead):
    """A usage error if one of the other options is given, which the value of this one excludes.

    instead : str
        What the user may do.
    """
    for other in others:
        if _given(other):
            value = click.get_current_context().params[name]
            raise click.UsageError(f"{_spelled(other)} does not apply to {_spelled(name)} {value}; {instead}")


def needs(name, *others):
    """A usage error if one of the other options is given without this one."""
    for other in others:
        if _given(other) and not _given(name):
            raise click.UsageError(f"{_spelled(other)} is for {_spelled(name)}")


def _given(name):
    from click.core import ParameterSource

    return click.get_current_context().get_parameter_source(name) == ParameterSource.COMMANDLINE


def _spelled(name):
    options = {option.name: option for option in click.get_current_context().command.params}
    return max(options[name].opts, key=len)
