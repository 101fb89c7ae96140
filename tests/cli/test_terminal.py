"""Terminal output: a table and progress on a terminal, plain text everywhere else."""

import os
import subprocess
import sys

import pytest

from codec.cli._progress import Passes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")


def on_terminal(*args, stream, program=("-m", "codec"), **environment):
    """Run `codec` with stdout or stderr on a terminal; return the terminal's output and that of the other stream."""
    leader, follower = os.openpty()
    other = "stderr" if stream == "stdout" else "stdout"
    done = subprocess.Popen(
        [sys.executable, *program, *args],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment},
        **{stream: follower, other: subprocess.PIPE},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # Linux: the last follower was closed
            break
        if not part:
            break
        shown += part
    rest = done.communicate(timeout=60)[0 if other == "stdout" else 1]
    os.close(leader)
    return done.returncode, shown.decode(), rest.decode()


def test_stdout_on_a_terminal_shows_a_table_with_a_sum(home):
    code, shown, err = on_terminal("compress", "in", "-o", "out", stream="stdout")
    assert code == 0 and err == "codec: 1 file was left out: not a picture (1)\n"
    for text in ("file", "before", "after", "ratio", "status", "in/a.png", "done", "4 files", "KiB", "ignored"):
        assert text in shown
    assert "\t" not in shown


def test_progress_is_shown_on_a_terminal_only_and_not_mixed_into_stdout(home):
    code, shown, out = on_terminal("compress", "in", "-o", "out", stream="stderr")
    assert code == 0 and "100%" in shown
    assert out.splitlines()[0] == "file\tbefore\tafter\tratio\tstatus\treason"


@pytest.mark.parametrize("count, passes", [(10, 3), (10, 1), (None, 2)])
def test_progress_of_several_passes_moves_on(count, passes):
    told = []
    bar = Passes(lambda *state: told.append(state), count, passes)
    for _ in range(max(passes, 4) if passes > 1 else 1):  # more than were likely
        for done in range(1, 11):
            bar(done)
    reached, totals, notes = zip(*told)
    assert list(reached) == sorted(reached) and set(totals) == {count and count * passes}
    assert reached[9] == 10 and (passes == 1 or not count or max(reached) < count * passes)
    assert list(dict.fromkeys(notes)) == ([""] if passes == 1 else [f"pass {number}" for number in range(1, 5)])


def test_a_forced_end_shows_the_cursor_again(endless, home):
    """Progress bars hide it, and a process that ends at once does not unwind them."""
    (home / "out" / "sub").mkdir(parents=True)
    program = ["-c", endless("os.kill(os.getpid(), signal.SIGINT)")]
    code, shown, _ = on_terminal("compress", "in", "-o", "out", stream="stderr", program=program)
    assert code == 130 and shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_no_color_is_honoured(home):
    shown = on_terminal("compress", "in", "-o", "out", stream="stderr", NO_COLOR="1")[1]
    colours = [f"\x1b[{code}m" for code in (*range(30, 38), *range(90, 98))]
    assert not any(colour in shown for colour in colours)


def test_pixels_are_not_written_to_a_terminal(home):
    code, shown, err = on_terminal("compress", "in/a.png", "-o", "-", stream="stdout")
    assert code == 2 and shown == "" and "stdout is a terminal" in err
