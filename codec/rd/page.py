"""Self-contained HTML pages: one skeleton and style, a body and scripts of each kind of page, and data.

Styles, script and data are inside, and the Content-Security-Policy blocks everything else. Text from files (names,
settings, messages) is data: it enters the page as JSON and its elements as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import math
import re
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def fill(body: str, scripts: Iterable[str], content: dict[str, Any]) -> str:
    """A page in ASCII.

    Parameters
    ----------
    body : str
        The template of the links to the sections, in its first line, and of the elements below the header.
    scripts : iterable of str
        Templates, in the order in which they run.
    content : dict
        What the scripts read, as JSON can hold it; `title` is the title of the page.
    """
    style = _template("report.css")
    script = "\n".join(_template(name) for name in scripts)
    nav, _, elements = _template(body).partition("\n")
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src {_source(style)}",
            f"script-src {_source(script)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    first = re.search('href="#([^"]+)"', nav)
    page = string.Template(_template("page.html")).substitute(
        title=html.escape(content["title"]),
        policy=html.escape(policy),
        style=style,
        script=script,
        nav=nav,
        first=first[1] if first else "",
        body=elements,
        data=_embed(content),
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def visible(text: object) -> str:
    """Text with unprintable characters, direction marks and lone surrogates escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(text))


def short(value: float | None) -> float | str | None:
    """A value to six digits for the page; infinity as "inf", NaN as None."""
    if value is None or math.isnan(value):
        return None
    return ("inf" if value > 0 else "-inf") if math.isinf(value) else float(f"{value:.6g}")


def _embed(content):
    """ASCII JSON that can neither end its element nor start a comment (nor contain U+2028)."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _source(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii") + "'"


def _template(name):
    return (importlib.resources.files(__package__) / "templates" / name).read_text("ascii")
