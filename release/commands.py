"""The commands of `codec` as man pages and as a page of the documentation, from what `--help` shows.

python release/commands.py FOLDER        # codec.1, codec-compress.1, codec-rd-sweep.1, ...
"""

import inspect
import re
import sys
from pathlib import Path

import click

import codec
from codec.cli.main import cli


def commands(command=cli, words=("codec",)):
    """Yield (words, command) of every command, groups before what they hold."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*words, name))


def paragraphs(command):
    """(text, whether it is literal) for each paragraph of the help; a line that begins with \\b makes it literal."""
    for part in re.split(r"\n\s*\n", inspect.cleandoc(command.help or "")):
        literal = part.startswith("\b")
        text = part.lstrip("\b").strip("\n")
        yield (text, True) if literal else (" ".join(text.split()), False)


def usage(words, command):
    """The arguments, as --help names them."""
    context = click.Context(command, info_name=" ".join(words))
    return " ".join(command.collect_usage_pieces(context))


def options(command):
    """(spelling, description) of every option."""
    context = click.Context(command)
    for param in command.get_params(context):
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record:
            yield record


# ---------------------------------------------------------------- man pages


def troff(text):
    """Text with what troff would interpret escaped (man-pages(7))."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.M)


def man_page(words, command):
    """A page of section 1."""
    name = "-".join(words)
    texts = list(paragraphs(command))
    summary = texts[0][0].split(". ")[0].rstrip(".")
    lines = [f'.TH "{name.upper()}" "1" "" "codec {codec.__version__}" "codec"', ".ad l", ".SH NAME"]
    lines += [f"{troff(name)} \\- {troff(summary)}", ".SH SYNOPSIS", rf"\fB{troff(' '.join(words))}\fR"]
    lines += [troff(usage(words, command)), ".SH DESCRIPTION"]
    for text, literal in texts:
        lines += [".PP", ".nf", troff(text), ".fi"] if literal else [".PP", troff(text)]
    found = list(options(command))
    if found:
        lines.append(".SH OPTIONS")
        for spelled, description in found:
            lines += [".TP", rf"\fB{troff(spelled)}\fR", troff(" ".join(description.split()))]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for inner, below in commands(command, words):
            if len(inner) == len(words) + 1:
                lines += [".TP", rf"\fB{troff('-'.join(inner))}\fR(1)", troff(next(paragraphs(below))[0])]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- the page of the documentation


def markdown():
    """All commands on one page."""
    lines = ["# Commands", "", "What `--help` shows. The same is in the man pages: `make man`.", ""]
    for words, command in commands():
        lines += [f"## {' '.join(words)}", "", f"`{' '.join(words)} {usage(words, command)}`", ""]
        for text, literal in paragraphs(command):
            lines += ["```text", text, "```", ""] if literal else [_inline(text), ""]
        found = list(options(command))
        if found:
            lines += ["| option | |", "|---|---|"]
            cells = [(_cell(spelled), _cell(" ".join(text.split()))) for spelled, text in found]
            lines += [f"| `{spelled}` | {text} |" for spelled, text in cells] + [""]
    return "\n".join(lines)


def _inline(text):
    return re.sub(r"([<>*_\[\]])", r"\\\1", text)


def _cell(text):
    return text.replace("|", r"\|").replace("<", "&lt;")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for words, command in commands():
        (folder / f"{'-'.join(words)}.1").write_text(man_page(words, command), encoding="utf-8")


if __name__ == "__main__":
    main()
