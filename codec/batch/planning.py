"""What becomes what: inputs, files or folders, to jobs that overwrite neither an input nor each other."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import FileError, ParameterError
from ..formats.pictures import JPEG_SUFFIXES, WRITABLE
from ..sources import remote
from ..sources.files import PIPE
from ..sources.folders import LINKED
from . import naming
from .selection import ALL
from .walk import HERE, OUTPUT, special, walk, walk_remote, walk_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .selection import Selection


BACKUPS = "folder of the backups"


class OutputError(ParameterError):
    """The output cannot be what was asked for; the message ends with what to choose instead."""


class Job(NamedTuple):
    """One picture to make, or a file that was met and is left out.

    Attributes
    ----------
    source : str
        A path or URL, or "-" for stdin.
    target : str or None
        A path or URL, or "-" for stdout. None: nothing is made.
    keep_as : str or None
        Where the source is copied if its own bytes are the better result: the path of the output with the name of the
        source. None: the caller named the output, whose name tells the format.
    status : "ignored", "failed" or None
        Known before any work: "ignored" by a rule, "failed" because it cannot be done. None: to be done.
    reason : str or None
        For the status.
    top : str or None
        The folder below which the output is, and no symbolic link to a folder is followed. None: the caller named the
        output, or its source is replaced.
    """

    source: str
    target: str | None
    keep_as: str | None = None
    status: str | None = None
    reason: str | None = None
    top: str | None = None


def plan(
    inputs: Iterable[str], output: str, task: Any, *, selection: Selection = ALL, keep_paths: bool = False
) -> list[Job]:
    """Jobs for the inputs of a task. Nothing is written, and read are only the names in folders and the first bytes of
    files whose suffix says nothing.

    Two sources whose outputs would have one name (`a.jpg` and `a.png`) get their whole name in front of the suffix:
    `a.png` becomes `a.png.jpg`, and `a.jpg` stays `a.jpg`. Where that does not help, the one whose name needs no change
    has it, or else the first, and the others fail. A file that is named twice, by any path, is one; hard links are
    several. Names that differ in case, or in how accents are written, are one where the disk of the output takes
    them for one (`codec.batch.naming`). An output behind a symbolic link to a folder, below `output`, fails.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders, URLs of both (extra `remote`), or "-" alone. Below a folder, hidden files and folders, symbolic
        links, special files, and files that the task does not take are "ignored"; pictures that cannot be read are
        "failed". Files are recognized by their suffix, or else by their first bytes.
    output : str
        A file for one input file; a folder otherwise, where a folder of inputs becomes the same tree; a URL; or "-".
    task : a task of `codec.batch`
        Names the outputs: `rename`, `suffixes`, `formats`, `check`.
    selection : Selection, optional
        Which files below folders are taken; the others are "ignored". Inputs that are named are always taken.
    keep_paths : bool
        Files that are named by a relative path keep their folders below the output; without it they are put side by
        side.

    Returns
    -------
    list of Job
        One for every file that was met.

    Raises
    ------
    OutputError
        If there is no place for the outputs, or one would overwrite an input.
    ParameterError
        If the name of a target contradicts its format.
    """
    return [job for jobs in plan_by_folder(inputs, output, task, selection, keep_paths) for job in jobs]


def plan_by_folder(
    inputs: Iterable[str], output: str, task: Any, selection: Selection = ALL, keep_paths: bool = False
) -> Iterator[list[Job]]:
    """The jobs of `plan`, a folder after the other, so that only those of one are in memory.

    That is so where all inputs are folders of a disk, or all are URLs of folders, and none is inside of `output`;
    otherwise one list has all jobs. Of URLs the names are all in memory.

    Parameters
    ----------
    inputs, output, task, selection, keep_paths
        As for `plan`, whose errors it raises before it returns.

    Returns
    -------
    iterator of lists of Job
        One for each folder in which there is something.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from codec import batch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pathlib.Path(folder, "sub").mkdir()
    ...     for name in ("a.png", "sub/b.png"):
    ...         pathlib.Path(folder, name).touch()
    ...     [len(jobs) for jobs in batch.plan_by_folder([folder], folder + "-smaller", batch.CompressTask())]
    [1, 1]
    """
    inputs = list(inputs)
    if PIPE in inputs and len(inputs) > 1:
        raise ParameterError("stdin (-) is one picture; give it alone")
    if remote.is_url(output) and remote.is_only_read(output):
        raise OutputError(f"{output} is a URL of a kind that is only read; name a folder or a bucket")
    if not (keep_paths or is_folder(inputs, output)):
        return iter([_checked(_spare_inputs([_named(Job(inputs[0], output))], _Paths()), task)])
    _check_output(inputs, output)
    if _are_apart(inputs, output):
        is_remote = remote.is_url(inputs[0])
        folders = walk_remote(inputs, task, selection) if is_remote else walk_together(inputs, output, task, selection)
        return (_checked(_settled(met, output, task), task) for met in folders if met)
    paths = _Paths()
    jobs = _once(_plan_folder(inputs, output, task, selection, keep_paths), paths)
    jobs = _spare_inputs(_settle_clashes(jobs, paths), paths)
    return iter([_checked(_follow_no_links(jobs, output), task)])


def _checked(jobs, task):
    for job in jobs:
        if job.target is not None:
            task.check(job.target)
    return jobs


def _are_apart(inputs, output):
    """Whether the inputs are folders in which no file is met twice, and nothing that is inside of the output. On a disk
    what is in the output is no input, wherever that is."""
    if not _are_disjoint(inputs):
        return False
    inside, tops = _real_folder(output), list(map(_real_folder, inputs))
    return not any(top.startswith(inside) or (remote.is_url(output) and inside.startswith(top)) for top in tops)


def _settled(met, output, task):
    """The jobs of what was met in one folder of the output. No input is in it, since no link leads there."""
    inside_of, outside = {top: _joiner(top) for top, _ in met}, _joiner(output)
    jobs = [_job_of(inside_of[top], found, outside, task) for top, found in met]
    return _follow_no_links(_settle_clashes(jobs, _Paths()), output)


def _follow_no_links(jobs, output):
    """The jobs, of which those fail whose outputs would be behind a symbolic link that is below the output."""
    if remote.is_url(output):
        return jobs
    links, top, settled = {}, len(os.path.join(output, "")), []
    for job in jobs:
        if job.target is not None:
            folder = os.path.dirname(job.target)
            if folder not in links:
                links[folder] = _link_above(folder, top)
            if links[folder]:
                job = Job(job.source, None, None, "failed", LINKED.format(links[folder]))
            else:
                job = job._replace(top=output)
        settled.append(job)
    return settled


def _link_above(folder, top):
    """The first symbolic link of a folder and those above it whose paths have more than `top` characters, or None."""
    while len(os.path.join(folder, "")) > top:
        if os.path.islink(folder):
            return folder
        folder = os.path.dirname(folder)
    return None


def _real_folder(path):
    """What the real paths of all files below a folder, or their URLs, begin with."""
    if remote.is_url(path):
        first, chain, archive = path.partition(remote.CHAIN)
        return f"{archive}{chain}{first.rstrip('/')}/"
    return os.path.normcase(os.path.join(os.path.realpath(path), ""))


def plan_in_place(inputs: Sequence[str], task: Any, *, selection: Selection = ALL) -> list[Job]:
    """Jobs that replace their own sources. A file whose name the task would change is "ignored".

    Parameters
    ----------
    inputs : sequence of str
        Files or folders, as for `plan`; no stdin. Symbolic links are left out.
    task : a task of `codec.batch`
    selection : Selection, optional
        As for `plan`.

    Returns
    -------
    list of Job

    Raises
    ------
    ParameterError
        If stdin or a URL is among the inputs.
    """
    return [job for jobs in plan_in_place_by_folder(inputs, task, selection) for job in jobs]


def plan_in_place_by_folder(
    inputs: Sequence[str], task: Any, selection: Selection = ALL, backup: str | None = None
) -> Iterator[list[Job]]:
    """The jobs of `plan_in_place`, a folder after the other, so that only those of one are in memory.

    That is so where all inputs are folders and none is inside of another; otherwise one list has all jobs.

    Parameters
    ----------
    inputs, task, selection
        As for `plan_in_place`, whose errors it raises before it returns.
    backup : str, optional
        The folder of the backups. What the run puts there is not met: it is not entered.

    Returns
    -------
    iterator of lists of Job
        One for each folder in which there is something.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from codec import batch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pathlib.Path(folder, "sub").mkdir()
    ...     for name in ("a.jpg", "sub/b.png"):
    ...         pathlib.Path(folder, name).touch()
    ...     [[job.reason for job in jobs] for jobs in batch.plan_in_place_by_folder([folder], batch.CompressTask())]
    [[None], ['would become a .jpg file']]
    """
    if any(remote.is_url(source) for source in inputs):
        raise ParameterError("what is behind a URL is not replaced in place; name an output")
    if PIPE in inputs:
        raise ParameterError("stdin (-) has no place in which it could be replaced; name files or folders")
    folders = (jobs for source in inputs for jobs in _replacing_below(source, task, selection, backup) if jobs)
    if _are_disjoint(inputs):
        return folders
    return iter([_once([job for each in folders for job in each], _Paths())])


def _replacing_below(source, task, selection, backup):
    """The jobs of an input, folder by folder, which replace what they are made of."""
    if not os.path.isdir(source):
        yield [_replacing(source, task)]
        return
    below = _joiner(source)
    for met in walk_together([source], backup, task, selection):
        yield [
            Job(below(found.path), None, None, found.status, BACKUPS if found.reason == OUTPUT else found.reason)
            if found.status
            else _replacing(below(found.path), task)
            for _, found in met
        ]


def _are_disjoint(inputs):
    """Whether the inputs are folders in which no file is met twice."""
    if len({remote.is_url(source) for source in inputs}) != 1 or not all(map(_is_dir, inputs)):
        return False
    real = sorted(map(_real_folder, inputs))
    return not any(inner.startswith(outer) for outer, inner in pairwise(real))


def _once(jobs, paths):
    """The jobs without those whose source another one has, by the same or another path. What a folder leaves out may be
    named beside it."""
    first = {}
    for job in jobs:
        place = paths.entry(job.source)
        if place not in first or (first[place].status and not job.status):
            first[place] = job
    return list(first.values())


def common_folder(inputs: Iterable[str]) -> str:
    """The folder below which all inputs are.

    Raises
    ------
    ParameterError
        If there is none: they are on several drives.
    """
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in map(os.path.abspath, inputs)]
    try:
        return os.path.commonpath(folders)
    except ValueError as error:
        raise ParameterError(
            f"the inputs are on several drives ({error}); give those of one drive at a time"
        ) from error


def _replacing(source, task):
    name = os.path.basename(source)
    problem = special(source)
    if problem:
        return Job(source, None, None, "failed", problem)
    if os.path.islink(source):
        return Job(source, None, None, "ignored", "symbolic link")
    if task.rename(name) != name:
        return Job(source, None, None, "ignored", f"would become a {os.path.splitext(task.rename(name))[1]} file")
    return Job(source, source, source)


def is_folder(inputs: Sequence[str], output: str) -> bool:
    """Whether the output of these inputs is a folder.

    >>> from codec.batch.planning import is_folder
    >>> is_folder(["a.png"], "b.jpg"), is_folder(["a.png"], "web/"), is_folder(["a.png", "b.png"], "web")
    (False, True, True)
    """
    return len(inputs) != 1 or _is_dir(inputs[0]) or output.endswith(("/", os.sep)) or _is_dir(output)


def _is_dir(path):
    """Whether a path or URL is a folder; False where nobody can tell, which reading it says."""
    if not remote.is_url(path):
        return os.path.isdir(path)
    try:
        return remote.is_folder(path)
    except FileError:
        return False


def _inside(folder, *parts):
    return (remote.join if remote.is_url(folder) else os.path.join)(folder, *parts)


def _named_by(path):
    """The last part of a path or URL."""
    return (remote.split if remote.is_url(path) else os.path.split)(path)[1]


def _named(job):
    """The job of an input that the caller named, which fails if opening it might wait for ever."""
    problem = None if job.source == PIPE or remote.is_url(job.source) else special(job.source)
    return Job(job.source, None, None, "failed", problem) if problem else job


def _check_output(inputs, output):
    if output == PIPE:
        raise OutputError("stdout (-) takes one picture; name a folder")
    if PIPE in inputs:
        raise OutputError(f"{output} is a folder and stdin has no name; name a file")
    suffix = os.path.splitext(output)[1].lower()
    if (
        not remote.is_url(output)
        and not os.path.isdir(output)
        and (os.path.exists(output) or suffix in (*JPEG_SUFFIXES, *WRITABLE))
    ):
        raise OutputError(f"{output} is the name of a file, and several pictures need a folder; name another")


def _plan_folder(inputs, output, task, selection, keep_paths):
    jobs = []
    for source in inputs:
        if _is_dir(source):
            join = _joiner(source), _joiner(output)
            jobs += [_job_of(join[0], found, join[1], task) for found in walk(source, output, task, selection)]
            continue
        folder, name = os.path.split(_below(source) if keep_paths else _named_by(source))
        places = (_inside(output, folder, each) for each in (task.rename(name), name))
        jobs.append(_named(Job(source, *places)))
    return jobs


def _job_of(at_source, found, at_output, task):
    """The job of what was found below a folder; `_joiner` of that and of the output."""
    path = at_source(found.path)
    if found.status:
        return Job(path, None, None, found.status, found.reason)
    inner = found.path.removeprefix(HERE)
    folder, name = os.path.split(inner)
    made = _whole(name, task.rename(name)) if found.by_content else task.rename(name)
    return Job(path, at_output(os.path.join(folder, made)), at_output(inner))


def _joiner(folder):
    """What makes paths below a folder of it from relative ones: `_inside`, for many."""
    return partial(remote.join, folder) if remote.is_url(folder) else os.path.join(folder, "").__add__


def _below(path):
    """A path as it may stand below another folder: the name alone where it leads elsewhere.

    >>> from codec.batch.planning import _below
    >>> _below("2019/./a.png"), _below("../a.png")
    ('2019/a.png', 'a.png')
    """
    if remote.is_url(path):
        return _named_by(path)
    path = os.path.normpath(path)
    leads_elsewhere = os.path.isabs(path) or os.path.splitdrive(path)[0] or path.split(os.sep)[0] == os.pardir
    return os.path.basename(path) if leads_elsewhere else path


def _whole(name, renamed):
    """The whole name of a source with the suffix of its output.

    >>> from codec.batch.planning import _whole
    >>> _whole("a.png", "a.jpg"), _whole("a.jpg", "a.jpg")
    ('a.png.jpg', 'a.jpg')
    """
    return renamed if renamed == name else name + os.path.splitext(renamed)[1]


class _Paths:
    """Real paths, each folder looked up once."""

    def __init__(self):
        self._folders, self._files, self._folded = {}, {}, {}

    def entry(self, path):
        """The real path of the folder, and the name in it: a symbolic link is not followed. URLs stay as they are."""
        if remote.is_url(path):
            return path
        folder, name = os.path.split(path)
        if name in ("", os.curdir, os.pardir):
            return os.path.normcase(os.path.realpath(path))
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.normcase(os.path.join(self._folders[folder], name))

    def same(self, path):
        """The path that the file system knows."""
        if path not in self._files:
            is_link = os.path.islink(path)
            self._files[path] = os.path.normcase(os.path.realpath(path)) if is_link else self.entry(path)
        return self._files[path]

    def on_its_disk(self, path):
        """The entry as the disk that it is on compares it."""
        folder = (remote.split if remote.is_url(path) else os.path.split)(path)[0]
        if folder not in self._folded:
            self._folded[folder] = naming.folds(folder)
        return naming.folded(self.entry(path)) if self._folded[folder] else self.entry(path)


def _settle_clashes(jobs, paths):
    """Jobs with outputs of different names. Those that need no other name come first; one whose name is taken fails."""
    places = [job.target and paths.on_its_disk(job.target) for job in jobs]
    count, changed = Counter(places), set()
    for at, (job, place) in enumerate(zip(jobs, places)):
        if job.target is not None and count[place] > 1:
            folder, renamed = os.path.split(job.target)
            target = _inside(folder, _whole(_named_by(job.source), renamed))
            if target != job.target:
                changed.add(at)
                jobs[at], places[at] = job._replace(target=target), paths.on_its_disk(target)
    taken = {}
    for at in sorted(range(len(jobs)), key=changed.__contains__):
        taken.setdefault(places[at], jobs[at])
    return [_unless_taken(job, taken[place]) for job, place in zip(jobs, places)]


def _unless_taken(job, first):
    """The job, if no other one comes first where its output would be."""
    if job.target is None or first is job:
        return job
    taken_by = f"{first.source} becomes {first.target}, which is the same name"
    return Job(job.source, None, None, "failed", f"{taken_by}; rename this one, or use another folder")


def _spare_inputs(jobs, paths):
    """Refuse outputs that would overwrite an input; a source is not kept under the name of another one."""
    sources = {paths.same(job.source): job.source for job in jobs if job.source != PIPE}
    spared = []
    for job in jobs:
        if job.target not in (None, PIPE) and paths.same(job.target) in sources:
            raise OutputError(
                f"the output would overwrite the input {sources[paths.same(job.target)]}; choose another file or folder"
            )
        if job.keep_as is not None and sources.get(paths.same(job.keep_as), job.source) != job.source:
            job = job._replace(keep_as=None)
        spared.append(job)
    return spared
