"""What becomes what: inputs, files or folders, to jobs that overwrite neither an input nor each other."""

import os
from dataclasses import dataclass

from ..errors import ParameterError
from ..formats.pictures import JPEG_SUFFIXES, WRITABLE
from ..sources.files import PIPE


class OutputError(ParameterError):
    """The output cannot be what was asked for; the message ends with what to choose instead."""


@dataclass(frozen=True)
class Job:
    """One picture to make. Either path may be "-": stdin or stdout."""

    source: str
    target: str


def plan(inputs, output, task):
    """Jobs for the inputs of a task. Nothing is read or written yet but folders' lists of names.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders (walked for `task.suffixes`, symbolic links left out), or "-" alone.
    output : str
        A file for one input file; a folder otherwise, where a folder of inputs becomes the same tree; or "-".
    task : a task of `codec.batch`
        Names the outputs: `rename`, `suffixes`, `check`.

    Returns
    -------
    list of Job

    Raises
    ------
    OutputError
        If there is no place for the outputs, or one would overwrite an input.
    ParameterError
        If two inputs would become one file, or the name of a target contradicts its format.
    """
    inputs = list(inputs)
    if PIPE in inputs and len(inputs) > 1:
        raise ParameterError("stdin (-) is one picture; give it alone")
    to_folder = os.path.isdir(output) or output.endswith(("/", os.sep))
    if len(inputs) == 1 and not os.path.isdir(inputs[0]) and not to_folder:
        jobs = [Job(inputs[0], output)]
    else:
        jobs = _plan_folder(inputs, output, task)
    _refuse_collisions(jobs)
    for job in jobs:
        task.check(job.target)
    return jobs


def _plan_folder(inputs, output, task):
    if output == PIPE:
        raise OutputError("stdout (-) takes one picture; name a folder")
    if PIPE in inputs:
        raise OutputError(f"{output} is a folder and stdin has no name; name a file")
    suffix = os.path.splitext(output)[1].lower()
    if not os.path.isdir(output) and (os.path.exists(output) or suffix in (*JPEG_SUFFIXES, *WRITABLE)):
        raise OutputError(f"{output} is the name of a file, and several pictures need a folder; name another")
    jobs = []
    for source in inputs:
        if os.path.isdir(source):
            for inner in _walk(source, output, task.suffixes):
                folder, name = os.path.split(inner)
                jobs.append(Job(os.path.join(source, inner), os.path.join(output, folder, task.rename(name))))
        else:
            jobs.append(Job(source, os.path.join(output, task.rename(os.path.basename(source)))))
    return list(dict.fromkeys(jobs))


def _walk(folder, output, suffixes):
    """Paths of the pictures below a folder, relative to it, sorted; without what was written to `output` before."""
    found, skip = [], os.path.realpath(output)
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if os.path.realpath(os.path.join(here, name)) != skip]
        for name in names:
            path = os.path.join(here, name)
            if name.lower().endswith(suffixes) and not os.path.islink(path):
                found.append(os.path.relpath(path, folder))
    return sorted(found)


def _refuse_collisions(jobs):
    def same(path):
        return os.path.normcase(os.path.realpath(path))

    sources = {same(job.source): job.source for job in jobs if job.source != PIPE}
    targets = {}
    for job in jobs:
        if job.target == PIPE:
            continue
        key = same(job.target)
        if key in sources:
            raise OutputError(f"the output would overwrite the input {sources[key]}; choose another file or folder")
        if key in targets:
            raise ParameterError(
                f"{targets[key]} and {job.source} would both become {job.target}; write them to two folders"
            )
        targets[key] = job.source
