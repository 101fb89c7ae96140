"""Rows R1 to R9 of the list of faults: interrupted decoders, forks, damage without a flag, misuse of arguments.

The kinds have tests of their own: tests/h264/test_interruptions.py (R1 to R3), tests/h264/test_trust.py (R4, R7),
tests/test_misuse.py (R8), tests/cli/test_ending.py (R9).
"""

import os
import subprocess
import sys
from pathlib import Path

import crafted_h264 as crafted
import numpy as np
import pytest
from clips import samples
from PIL import Image

import codec
from codec import errors
from codec.h264.stream.nal import NalUnit, split_byte_stream, write_byte_stream
from codec.h264.stream.sei import read_sei, write_sei
from codec.quantizers import kmeans

pytestmark = pytest.mark.usefixtures("inside")


def child(*words, **options):
    """A process that imports the same package, and must end within two minutes."""
    environment = dict(os.environ, PYTHONPATH=str(Path(errors.__file__).parents[1]))
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([sys.executable, *map(str, words)], env=environment, timeout=120, **streams)


def flags(name, on_error):
    return [bool(frame.damage) for frame in codec.decode_video(name, on_error=on_error)]


def test_r1_a_decoder_interrupted_by_signals_goes_on(given):
    """Or says that it was interrupted; the script ends by itself, and nothing is left to `faulthandler`."""
    for seed in range(3):
        ended = child(given("interrupted_decoder_real_signals.py"), given("p_only_no_vui.h264"), seed)
        assert b"Segmentation" not in ended.stderr and b"Timeout" not in ended.stderr and ended.returncode in (0, 1)
        assert ended.returncode == 0 or b"codec.errors." in ended.stderr.splitlines()[-1]


def test_r2_one_decoder_and_two_threads(given):
    """The calls meet in nearly every run; on a busy machine one thread may be done before the other begins."""
    met = 0
    for seed in range(20):
        ended = child(given("two_threads_one_decoder.py"), seed, 2, given("p_only_no_vui.h264"))
        assert ended.returncode == 0 and b"TypeError" not in ended.stdout
        met += b"ParameterError" in ended.stdout
        if met == 3:
            break
    assert met == 3


@pytest.mark.parametrize("mode", ["exit", "close", "del", "continue"])
def test_r3_a_forked_child_ends(given, mode):
    """With status 0; a child that goes on decoding has no threads to do it, and an error says so."""
    ended = child(given("fork_hang.py"), given("p_only_no_vui.h264"), mode)
    assert b"Timeout" not in ended.stderr
    if mode == "continue":
        assert b"codec.errors.ParameterError" in ended.stderr and b"fork" in ended.stderr
    else:
        assert b"child status 0 " in ended.stdout


@pytest.mark.parametrize("name, damaged", [("silent_HCAFF1_HHI_B.264", 6), ("silent_Static.264", 1)])
def test_r4_frames_that_lean_on_a_stand_in_are_flagged(given, name, damaged):
    assert sum(flags(given(name), "conceal")) == damaged
    assert not any(flags(given(name), "skip"))


def test_r5_a_picture_whose_only_header_is_lost_counts(given):
    assert flags(given("last_header_damaged.264"), "conceal") == [False, True]
    with pytest.raises(codec.CodecError):
        flags(given("last_header_damaged.264"), "raise")


@pytest.mark.parametrize("zeros", [0, 1, 3])
@pytest.mark.parametrize("messages", [[(128, b"")], [(128, b"text"), (4, b"\x80")], [(5, bytes(16)), (128, b"\x80")]])
def test_r6_sei_messages_of_type_128(messages, zeros):
    """0x80 may begin a message: the trailing bits are the last byte that is not zero (7.2)."""
    stream = crafted.clip(2)
    stream.nals.insert(2, write_sei(messages) + bytes(zeros))
    found = read_sei(NalUnit(stream.nals[2]))
    assert [(one.payloadType, one.payload) for one in found] == messages
    assert [bool(frame.damage) for frame in codec.decode_video(stream.data)] == [False] * 2


VECTORS = ["BA1_Sony_D", "CVSE3_Sony_H", "CABA3_TOSHIBA_E", "HCBP2_HHI_A", "CVSEFDFT3_Sony_E", "MR1_BT_A"]


@pytest.mark.parametrize("vector", VECTORS)
def test_r7_no_wrong_picture_without_a_flag(streams, vector):
    """Some reference NAL unit is lost; whatever is shown without a flag is a picture of the whole stream."""
    if vector not in streams:
        pytest.skip(f"no stream {vector}")
    nals = [nal.data for nal in split_byte_stream(streams[vector][1].read_bytes())]
    right = {samples(frame) for frame in codec.decode_video(write_byte_stream(nals))}
    references = [i for i, nal in enumerate(nals) if nal[0] & 31 in (1, 5) and nal[0] >> 5]
    for lost in references[1 : len(references) - 1 : max(1, len(references) // 4)]:
        left = write_byte_stream(nals[:lost] + nals[lost + 1 :])
        for on_error in ("conceal", "skip"):
            frames = list(codec.decode_video(left, on_error=on_error))
            assert all(samples(frame) in right for frame in frames if not frame.damage), (lost, on_error)


def test_r8_arguments_that_mean_nothing():
    image = np.zeros((8, 8, 3), np.uint8)
    for use in (
        lambda: codec.quantize_colors(image, space=[]),
        lambda: codec.quantize_colors(image, method={}),
        lambda: codec.quantize_colors(image, dither=np.zeros(3)),
        lambda: codec.metrics.ssim(image, image, preset=[]),
        lambda: codec.metrics.psnr([[1, 2], [3]], image),
        lambda: kmeans.cluster([[1, 2], [3]], 1),
        lambda: kmeans.cluster([[5]], 1, weights=[np.inf]),
    ):
        with pytest.raises(codec.ParameterError):
            use()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_r9_a_full_disk_behind_stdout(given):
    good, clip = given("f10_good.jpg"), given("whole.h264")
    for words in (["inspect", "--json", good], ["metrics", good, good], ["video", "decode", clip, "-o", "-"]):
        with open("/dev/full", "wb") as full:
            ended = child("-m", "codec", *words, stdout=full)
        assert ended.returncode == 1 and ended.stderr.endswith(b"cannot write to stdout: No space left on device\n")
        assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_r9_a_folder_with_a_fifo(run):
    os.mkdir("in")
    Image.new("RGB", (9, 9)).save("in/a.png")
    os.mkfifo("in/b.png")
    ended = run("compress", "in", "-o", "out")
    assert ended.code == 0 and ended.statuses == {"in/a.png": "kept", "in/b.png": "ignored"} and "FIFO" in ended.text


def test_r9_zeros_are_no_video(run):
    Path("zeros.h264").write_bytes(bytes(1 << 20))
    ended = run("video", "decode", "zeros.h264", "-o", "o.y4m")
    assert ended.code == 1 and ended.err.count("\n") == 1 and not Path("o.y4m").exists()
    if os.path.exists("/dev/zero"):
        assert run("video", "decode", "/dev/zero", "-o", "null").code == 1
