"""Messages of the library in the words of the command line: options in place of arguments.

The library writes an argument as `name=value`, and a limit as `Limits.name`. Here each becomes the option of the command
that sets it. A way out that the command does not offer is left out.
"""

import re

import click

VALUE = r"""('[^']*'|"[^"]*"|\([^()]*\)|[^\s,;:)]*[^\s,;:).])?"""
ARGUMENT = re.compile(r"\b([a-z][a-z_0-9]*)=" + VALUE)
LIMIT = re.compile(
    r"; Limits(?:\.(?P<one>\w+))? allows (?P<most>[^:]*?)(?:: pass limits=Limits\(\w+=\.\.\.\) if you trust the data)?$"
    r"|; raise Limits\.\w+ if you trust the data"
)
# Ways out that Python offers and no command does.
ABSENT = re.compile(
    r", or pass\s+(?:check=False|format=)|, or the codec\.Frame objects|; on_error='conceal' makes it mid-gray"
)
# Arguments whose option has another name.
OTHER_NAMES = {"codecs": "codec", "metrics": "metric", "workers": "jobs"}
# Names of Python in prose.
NAMES = {"`codec.Limits`": "the limits", "codec.formats.animation": "--animate"}


def spoken(text, command):
    """A message in the words of a command.

    Parameters
    ----------
    text : str
    command : click.Command

    Examples
    --------
    >>> import click
    >>> from codec.cli._words import spoken
    >>> turn = click.Command("turn", params=[click.Option(["--auto-rotate"], is_flag=True), click.Option(["--edge"])])
    >>> spoken("auto_rotate=True turns it; edge='trim' cuts it off", turn)
    '--auto-rotate turns it; --edge trim cuts it off'
    """
    options = {param.name: param for param in command.params if isinstance(param, click.Option)}
    text = LIMIT.sub(lambda match: _limit(match, options), ABSENT.sub("", text))
    for name, words in NAMES.items():
        text = text.replace(name, words)
    return ARGUMENT.sub(lambda match: _option(match[1], match[2] or "", options), text)


def _limit(match, options):
    if not match["most"]:
        return "; this limit is fixed on the command line"
    said = f"; the limit is {match['most']}"
    return f"{said}: raise it with --max-pixels if you trust the data" if match["one"] and "limits" in options else said


def _option(name, value, options):
    value = value.strip("'\"")
    option = options.get(name) or options.get(OTHER_NAMES.get(name, ""))
    if option is None:
        return f"{name.replace('_', ' ')} {value}".rstrip()
    if option.is_flag:
        return option.opts[-1] if value != "False" or not option.secondary_opts else option.secondary_opts[-1]
    return f"{max(option.opts, key=len)} {value}".rstrip()


def command_of(group, words):
    """The command that the words of a command line name below a group."""
    command = group
    for word in words:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command = found
    return command
