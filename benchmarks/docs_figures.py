"""Make every figure of README.md and docs/*.md, and write it where it stands.

usage: python benchmarks/docs_figures.py [SECTION ...]        or: make docs-figures [ONLY="SECTION ..."]

A page marks a figure, a table or a transcript by two comments, which a reader of the page does not see:

    <!-- figures lab.speed -->text made by the section "lab"<!-- end -->

`figures.py` has one function per section. It gets the names and texts of its regions and returns their new texts. The
region "SECTION.origin" states the commit, the machine and the command, and is made here. Without names all sections are
made, one after the other; a section that lacks a package or data is reported and leaves its regions alone, and the exit
code is 1. Speeds are minima of CPU time where that is possible.

Data: CODEC_TEST_DATA, or ../shared/data beside the project. Packages: pip install '.[lab,peers,video,png]' imagequant
scikit-learn scikit-image.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REGION = re.compile(r"(<!-- figures ([\w-]+)\.([\w-]+) -->)(.*?)(<!-- end -->)", re.S)


def regions(section):
    """{name without the section: text} of all pages."""
    return {
        name: text
        for page in PAGES
        for _, of, name, text, _ in REGION.findall(page.read_text("utf-8"))
        if of == section
    }


def write(section, texts):
    """Replace the texts of the section's regions. A line break at the edge of a region stays."""

    def new(match):
        start, of, name, old, end = match.groups()
        if of != section:
            return match[0]
        text = texts[name].strip("\n")
        return start + ("\n" if old.startswith("\n") else "") + text + ("\n" if old.endswith("\n") else "") + end

    for page in PAGES:
        old = page.read_text("utf-8")
        if REGION.sub(new, old) != old:
            page.write_text(REGION.sub(new, old), "utf-8")


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    """Processor, CPU level, Python, and how busy the machine is."""
    from codec import cpu

    text = pathlib.Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", text.read_text(), re.M) if text.exists() else []
    busy = f", load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs" if hasattr(os, "getloadavg") else ""
    return f"{names[0] if names else platform.processor()} ({cpu.level()}), Python {platform.python_version()}{busy}"


def origin(section):
    """When, from which commit and where the figures of a section were made, and the command."""
    changed = git("status", "--porcelain", "--", ".", ":!docs", ":!README.md")
    commit = git("rev-parse", "--short=10", "HEAD") + (" with uncommitted changes" if changed else "")
    return f"Measured {datetime.date.today()}, commit {commit}, {machine()}: `make docs-figures ONLY={section}`."


def main():
    import figures

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(figures.SECTIONS))
    asked = parser.parse_args().sections
    unknown = set(asked) - set(figures.SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(figures.SECTIONS)}")
    os.environ.setdefault("CODEC_TEST_DATA", str(ROOT.parent / "shared" / "data"))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    failed = []
    for section in asked or figures.SECTIONS:
        stated = origin(section)
        print(f"{section} ...", flush=True)
        try:
            texts = figures.SECTIONS[section](regions(section))
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            print(f"{section}: {error}{getattr(error, 'stderr', None) or ''}", file=sys.stderr)
            failed.append(section)
            continue
        write(section, texts | {"origin": stated})
    sys.exit(f"not made: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
