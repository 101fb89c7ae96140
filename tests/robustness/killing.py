"""Kill batch runs at random moments, and look at every original and every output after each kill.

The tests do it with a few hundred files. With many: ``python tests/robustness/killing.py FOLDER --files 100000 --kills
20`` (`--in-place` for replacing), which also prints files per second and the peak of memory.
"""

import argparse
import hashlib
import io
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
from PIL import Image

from codec.batch import CompressTask
from codec.jpeg import EncodeOptions

QUALITY, EFFORT, THREADS = 60, 1, 2
TASK = CompressTask(EncodeOptions(quality=QUALITY, effort=EFFORT), carry_all=True)
PER_FOLDER = 1000
COMMAND = [sys.executable, "-m", "codec", "compress"]
SETTINGS = ["-q", str(QUALITY), "--effort", str(EFFORT), "-j", str(THREADS), "--json"]


class Lost(AssertionError):
    """A file is not what it must be."""


def make(folder, count, suffix):
    """Distinct pictures of 16x16; {relative path: content}."""
    made = {}
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG" if suffix == ".jpg" else "PNG", quality=98)
        name = f"{number // PER_FOLDER:03}/{number:06}{suffix}"
        path = os.path.join(folder, name)
        if number % PER_FOLDER == 0:
            os.makedirs(os.path.dirname(path))
        with open(path, "wb") as stream:
            stream.write(buffer.getvalue())
        made[name] = buffer.getvalue()
    return made


def digest(data):
    return hashlib.sha256(data).digest()


def content(path):
    with open(path, "rb") as stream:
        return digest(stream.read())


def files(folder, hidden=False):
    """Relative paths below a folder, without the ledger, the backups and temporary files."""
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if hidden or not name.startswith(".")]
        for name in names:
            if hidden or not name.startswith("."):
                yield os.path.relpath(os.path.join(here, name), folder).replace(os.sep, "/")


def run(words, kill_when=None):
    """Run the command; its report, or None if it was killed when the condition came true."""
    with subprocess.Popen(COMMAND + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while kill_when is not None and process.poll() is None and not ready(process):
            if kill_when(process):
                process.kill()
        out, err = process.communicate()
    if process.returncode == -9:
        return None
    if process.returncode:
        raise Lost(f"exit code {process.returncode}: {err[-2000:]}")
    return json.loads(out)


def ready(process):
    """Whether the report begins, which may fill the pipe; waits a moment for it."""
    return bool(select.select([process.stdout], [], [], 0.005)[0])


def timed(words):
    begun = time.perf_counter()
    report = run(words)
    return report, time.perf_counter() - begun


def temporary(folder):
    """The temporary files below a folder: outputs that are being written, or were when their process was killed."""
    return [name for name in files(folder, hidden=True) if name.endswith(".tmp")]


def is_writing(process, folder):
    """Whether the process, which stands still from now on, has begun files that it has not ended."""
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.002)
    if process.poll() is None and not temporary(folder):
        process.send_signal(signal.SIGCONT)
        return False
    return True


def some_more(folder, rest, kills, moments, written=None):
    """A condition: a random number of files more are below a folder, chosen so that `kills` runs do about the `rest`.

    Of eight runs, on average, five are then killed while files below `written` (or `folder`) are being written, two a
    random time later, and one at any time, perhaps before its first file.
    """
    enough = sum(1 for _ in files(folder, hidden=True)) + moments.randint(1, max(1, 2 * rest // kills))
    kind, delay = moments.randrange(8), moments.uniform(0, 0.05)
    end = time.monotonic() + moments.uniform(0, 2)

    def condition(process):
        if kind == 0:
            return time.monotonic() > end
        if sum(1 for _ in files(folder, hidden=True)) < enough:
            return False
        if kind <= 2:
            time.sleep(delay)
            return True
        return is_writing(process, written or folder)

    return condition


def to_folder(home, count, kills, seed=1, say=print):
    """Kill runs from a folder to a folder; the last one ends."""
    source, output, calm = (os.path.join(home, name) for name in ("in", "out", "calm"))
    originals = {name: digest(data) for name, data in make(source, count, ".png").items()}
    expected = {}
    for name in originals:
        with open(os.path.join(source, name), "rb") as stream:
            expected[name[:-4] + ".jpg"] = digest(TASK(stream.read()).data)
    _, seconds = timed([source, "-o", calm, *SETTINGS])
    again, second = timed([source, "-o", calm, *SETTINGS])
    if again["total"]["skipped"] != count:
        raise Lost(f"the second run did {again['total']}")
    say(f"{count} files: first run {seconds:.1f} s ({count / seconds:.0f} files/s), second run {second:.1f} s")
    shutil.rmtree(calm)
    moments = random.Random(seed)
    for number in range(kills + 1):
        last = number == kills
        there = set(files(output)) if os.path.isdir(output) else set()
        stop = None if last else some_more(output, count - len(there), kills - number, moments)
        older = temporary(output)
        report = run([source, "-o", output, *SETTINGS], stop)
        unfinished = len(set(temporary(output)) - set(older))
        check(source, originals)
        check(output, expected, all_there=report is not None)
        if report and report["total"]["skipped"] < len(there):
            raise Lost(f"of {len(there)} outputs only {report['total']['skipped']} were known")
        said = "ended" if report else f"killed while it wrote {unfinished} files"
        say(f"run {number}: {said}, {sum(1 for _ in files(output))} outputs")
    if temporary(output):
        raise Lost(f"temporary files are left: {temporary(output)[:5]}")


def in_place(home, count, kills, seed=1, say=print):
    """Kill runs that replace their originals; the last one ends, and all are undone."""
    source = os.path.join(home, "in")
    originals = make(source, count, ".jpg")
    hashes = {name: digest(data) for name, data in originals.items()}
    expected = {name: digest(TASK(data).data) for name, data in originals.items()}
    words, moments = [source, "--in-place", *SETTINGS], random.Random(seed)
    shutil.copytree(source, os.path.join(home, "calm"))
    calm = [os.path.join(home, "calm"), "--in-place", *SETTINGS]
    _, seconds = timed(calm)
    again, second = timed(calm)
    if again["total"]["skipped"] != count:
        raise Lost(f"the second run did {again['total']}")
    say(f"{count} files in place: first run {seconds:.1f} s ({count / seconds:.0f} files/s), second run {second:.1f} s")
    kept = {}
    for number in range(kills + 1):
        backups = os.path.join(source, ".codec-backup")
        stop = None if number == kills else some_more(backups, count - len(kept), kills - number, moments, source)
        older = temporary(source)
        report = run(words, stop)
        for name in files(backups, hidden=True):
            kept[name.split("/", 1)[1]] = content(os.path.join(backups, name))
        for name, was in hashes.items():
            now = content(os.path.join(source, name))
            if now != was and (now != expected[name] or kept.get(name) != was):
                raise Lost(f"{name} is neither the original, nor the new file with its original in the backup")
        said = "ended" if report else f"killed while it wrote {len(set(temporary(source)) - set(older))} files"
        say(f"run {number}: {said}, {len(kept)} backups")
    check(source, expected, all_there=True)
    undo = [sys.executable, "-m", "codec", "undo", "--ledger", os.path.join(source, ".codec-ledger.sqlite"), "--json"]
    listed = json.loads(subprocess.run(undo, check=True, capture_output=True).stdout)
    for each in reversed(listed["runs"]):
        subprocess.run([*undo, each["name"]], check=True, capture_output=True)
    check(source, hashes, all_there=True)


def check(folder, expected, all_there=False):
    """Every file below the folder is what it must be."""
    found = set(files(folder)) if os.path.isdir(folder) else set()
    for name in found:
        if content(os.path.join(folder, name)) != expected.get(name):
            raise Lost(f"{name} is not what it must be")
    if all_there and found != set(expected):
        raise Lost(f"{len(set(expected) - found)} files are absent")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-place", action="store_true")
    asked = parser.parse_args()
    import resource  # POSIX only

    os.makedirs(asked.folder)
    (in_place if asked.in_place else to_folder)(asked.folder, asked.files, asked.kills, asked.seed)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"every original and every output is right; peak of memory {peak / 1024:.0f} MiB")
