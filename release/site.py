"""Hooks of MkDocs (mkdocs.yml): pages that stand elsewhere, README.md first, and the page of commands."""

import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
PAGES |= {"CHANGELOG.md": "changelog.md"}


def on_files(files, config):
    """Add the pages."""
    sys.path[:0] = [str(ROOT), str(ROOT / "release")]
    import commands

    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=_moved((ROOT / name).read_text(encoding="utf-8"))))
    files.append(File.generated(config, "commands.md", content=commands.markdown()))
    return files


def _moved(text):
    """A page of the top folder with its links as docs/ has them."""
    text = re.sub(r"\]\(docs/([^)]*)\)", r"](\1)", text)
    for name, page in PAGES.items():
        text = text.replace(f"]({name})", f"]({page})")
    return text
