"""Which files below a folder a run takes: patterns of names to include and to exclude."""

import os
from fnmatch import fnmatchcase
from typing import NamedTuple


class Selection(NamedTuple):
    """Patterns, in the syntax of `fnmatch`: * (any characters), ?, [abc]. Upper and lower case are the same.

    A pattern without a slash is compared with the name of each file and folder, others with the path below the folder
    that was named, in which * matches slashes too.

    Attributes
    ----------
    include : tuple of str
        If there are any, a file must match one of them.
    exclude : tuple of str
        A file or folder that matches one of them is left out; the folder is not entered.

    Examples
    --------
    >>> from codec.batch import Selection
    >>> selection = Selection(include=("*.png",), exclude=("thumbs", "2019/*"))
    >>> selection.leaves_out("2020/A.PNG"), selection.leaves_out("2019/a.png"), selection.leaves_out("thumbs", True)
    (False, True, True)
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def leaves_out(self, path: str, is_folder: bool = False) -> bool:
        """Whether a path below the folder is left out."""
        path = path.replace(os.sep, "/")
        if any(_matches(path, pattern) for pattern in self.exclude):
            return True
        return not is_folder and bool(self.include) and not any(_matches(path, pattern) for pattern in self.include)


def _matches(path, pattern):
    return fnmatchcase((path if "/" in pattern else path.rpartition("/")[2]).lower(), pattern.lower())


ALL = Selection()
EXCLUDED = "excluded"
