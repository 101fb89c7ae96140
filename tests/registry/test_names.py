"""Codecs by name: the contract of each, isolated failures, and registration by users."""

import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import codec
from codec import registry
from codec.errors import MissingPackageError, ParameterError, PeerError
from codec.registry import Choice, Codec, Number, names

NAMES = ["jpeg", "libjpeg-turbo", "simplejpeg", "mozjpeg", "jpegli", "webp", "avif", "jpeg-xl", "jpeg-2000"]
QUALITY = {"quality": Number(75, 1, 100)}


def smooth(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [128 + 100 * np.sin(x / 9 + k) * np.cos(y / 7 - k) for k in range(3)]
    return np.rint(planes[0] if len(shape) == 2 else np.stack(planes, axis=2)).astype(np.uint8)


@pytest.fixture
def clean(monkeypatch):
    monkeypatch.setattr(names, "_registered", {})


def test_ours_and_the_peers_are_known():
    assert list(registry.codecs())[: len(NAMES)] == NAMES


@pytest.mark.parametrize("shape", [(48, 65), (48, 65, 3)])
@pytest.mark.parametrize("name", NAMES)
def test_every_codec_that_is_installed_does_what_it_promises(name, shape):
    peer = registry.by_name(name)
    if peer.missing:
        pytest.skip(f"{name} needs {peer.missing}")
    pixels = smooth(shape)
    sizes, scores = [], []
    for quality in (30, 60, 90):
        data = peer.run_encode(pixels, peer.setting(quality=quality))
        sizes.append(len(data))
        scores.append(codec.metrics.psnr(pixels, peer.run_decode(data, pixels)))
        assert data == peer.run_encode(pixels, peer.setting(quality=quality))
    assert sizes == sorted(sizes) and scores == sorted(scores) and scores[-1] > 35
    assert any(character.isdigit() for character in peer.version())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "jpeg"])
def test_peers_refuse_inks(name):
    peer = registry.by_name(name)
    if peer.missing:
        pytest.skip(f"{name} needs {peer.missing}")
    with pytest.raises(codec.CodecError, match="4 channels: convert it first"):
        peer.run_encode(np.zeros((32, 32, 4), np.uint8), peer.setting())


def test_no_peer_is_loaded_before_it_is_used():
    code = (
        "import sys; from codec import registry; registry.codecs(); "
        "assert not {'pyvips', 'imagecodecs', 'simplejpeg', 'pyjpegli'} & set(sys.modules)"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_are_complete_and_checked():
    jpeg = registry.by_name("jpeg")
    assert (
        jpeg.setting(effort=9) == {"subsampling": "auto", "effort": 9, "quality": 75}
        and list(jpeg.setting())[-1] == "quality"
    )
    assert (
        jpeg.setting(quality=np.int64(30))["quality"] == 30
        and type(jpeg.setting(quality=np.int64(30))["quality"]) is int
    )
    for given, says in (
        ({"quality": 0}, "quality of jpeg must be in 1..100 in steps of 1/64, not 0"),
        ({"quality": True}, "not True"),
        ({"quality": 7.3}, "not 7.3"),
        ({"effort": 7.5}, "effort of jpeg must be in 1..9, not 7.5"),
        ({"subsampling": "4:1:1"}, "subsampling of jpeg must be in auto, 4:4:4, .*, not '4:1:1'"),
        ({"efort": 1}, "jpeg has no parameter 'efort': did you mean 'effort'"),
        ({"zzz": 1}, "it has subsampling, effort, quality"),
    ):
        with pytest.raises(ParameterError, match=says):
            jpeg.setting(**given)
    assert jpeg.setting(quality=7.5)["quality"] == 7.5 and registry.parse("jpeg:quality=80:81:0.5")[1] == {
        "quality": [80, 80.5, 81]
    }
    for text in ("1/9", "1e9999999999", "nan", "5:4", "1:9:0", "1:9:-1", "", "5:"):
        with pytest.raises(ValueError):
            registry.numbers(text)
    with pytest.raises(ParameterError, match="quality of mozjpeg must be in 1..100, not 7.5"):
        registry.by_name("mozjpeg").setting(quality=7.5)
    assert registry.by_name("libjpeg-turbo").setting(progressive=False)["progressive"] is False
    with pytest.raises(ParameterError):
        registry.by_name("libjpeg-turbo").setting(progressive=1)


@pytest.mark.parametrize(
    "text, name, values",
    [
        ("jpeg", "jpeg", {}),
        ("jpeg:", "jpeg", {}),
        (
            "jpeg:subsampling=4:2:0/4:4:4,quality=20:60:20",
            "jpeg",
            {"subsampling": ["4:2:0", "4:4:4"], "quality": [20, 40, 60]},
        ),
        ("libjpeg-turbo:progressive=false/true", "libjpeg-turbo", {"progressive": [False, True]}),
        ("webp:method=0/6", "webp", {"method": [0, 6]}),
    ],
)
def test_codecs_with_settings_in_one_word(text, name, values):
    found, lists = registry.parse(text)
    assert (found.name, lists) == (name, values)


@pytest.mark.parametrize(
    "text, says",
    [
        ("jpeg,h264", "unknown codec .jpeg,h264.: name one codec at a time; there are jpeg"),
        ("jpg", "unknown codec 'jpg': did you mean 'jpeg'. there are jpeg, libjpeg-turbo, "),
        ("jpeg:effort", "'effort' is not of the form name=value"),
        ("jpeg:effort=x", "effort takes numbers such as 5, 1/9 or 20:95:5, not 'x'"),
        ("jpeg:effort=10", "effort of jpeg must be in 1..9, not 10"),
        ("jpeg:subsampling=4:2:7", "not '4:2:7'"),
        ("jpeg:method=3", "jpeg has no parameter 'method'"),
    ],
)
def test_words_that_name_no_codec(text, says):
    with pytest.raises(ParameterError, match=says):
        registry.parse(text)


def test_what_is_not_installed_is_told_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjpegli", None)
    assert registry.by_name("jpegli").missing == ("pyjpegli",)
    with pytest.raises(
        MissingPackageError, match="jpegli needs pyjpegli, which is not installed: pip install pyjpegli"
    ):
        registry.by_name("jpegli").require()


def test_a_codec_of_ones_own(clean):
    mine = registry.register(
        Codec("mine", lambda pixels, quality: codec.encode(pixels, quality), codec.decode, QUALITY)
    )
    assert registry.by_name("mine") is mine and list(registry.codecs())[-1] == "mine"
    with pytest.raises(ParameterError, match="there is a codec 'mine' already"):
        registry.register(mine)
    assert registry.register(Codec("jpeg", mine.encode, mine.decode, QUALITY), replace=True) is registry.by_name("jpeg")
    with pytest.raises(ParameterError, match="codec must be a codec.registry.Codec, not str"):
        registry.register("mine")


FROM_A_PACKAGE = Codec("theirs", lambda pixels, quality: codec.encode(pixels, quality), codec.decode, QUALITY)


def test_codecs_of_installed_packages(clean, monkeypatch):
    points = [
        EntryPoint("theirs", "theirs_package:CODEC", names.ENTRY_POINTS),
        EntryPoint("made", "theirs_package:make", names.ENTRY_POINTS),
        EntryPoint("broken", "no_such_package:codec", names.ENTRY_POINTS),
        EntryPoint("other", "theirs_package:NUMBER", names.ENTRY_POINTS),
        EntryPoint("jpeg", "theirs_package:CODEC", names.ENTRY_POINTS),
    ]
    package = type(sys)("theirs_package")
    package.CODEC, package.make, package.NUMBER = FROM_A_PACKAGE, lambda: FROM_A_PACKAGE, 5
    monkeypatch.setitem(sys.modules, "theirs_package", package)
    monkeypatch.setattr(names, "entry_points", lambda group: points)
    monkeypatch.setattr(names, "present", lambda: [])
    assert list(registry.codecs())[len(NAMES) :] == ["h264", "theirs", "made", "broken", "other"]
    assert registry.by_name("theirs") is registry.by_name("made") is FROM_A_PACKAGE
    assert registry.by_name("jpeg") is not FROM_A_PACKAGE
    for name in ("broken", "other"):
        with pytest.raises(PeerError, match=f"{name}, of the entry point .*, cannot be loaded: "):
            registry.by_name(name).version()


class OwnError(Exception):
    """As in some bindings: neither a ValueError nor a RuntimeError."""


@pytest.mark.parametrize(
    "encode, says",
    [
        (lambda pixels, quality: 1 / 0, "bad failed at encoding: ZeroDivisionError: division by zero"),
        (lambda pixels, quality: b"", "bad gave no bytes for a picture"),
        (lambda pixels, quality: bytearray(b"x"), "bad gave bytearray for a picture"),
    ],
)
def test_encoders_that_misbehave(encode, says):
    with pytest.raises(PeerError, match=says):
        Codec("bad", encode, codec.decode, QUALITY).run_encode(smooth((16, 16)), {"quality": 5})


def test_errors_of_a_codecs_own():
    def fail(pixels, quality):
        raise OwnError("mine")

    with pytest.raises(PeerError, match="bad failed at encoding: OwnError: mine"):
        Codec("bad", fail, None, QUALITY, errors=(OwnError,)).run_encode(smooth((16, 16)), {"quality": 5})


@pytest.mark.parametrize(
    "given", [np.zeros((15, 16), np.uint8), np.zeros((16, 16), np.float32), np.zeros((16, 16, 4), np.uint8)]
)
def test_decoders_that_give_another_picture(given):
    with pytest.raises(PeerError, match=r"bad gave back .* and the picture is uint8 \(16, 16\): not comparable"):
        Codec("bad", None, lambda data: given, QUALITY).run_decode(b"x", smooth((16, 16)))


def test_gray_may_come_back_as_colour():
    pixels = smooth((16, 16))
    colour = Codec("colour", None, lambda data: np.repeat(pixels[:, :, None], 3, axis=2), QUALITY)
    assert (colour.run_decode(b"x", pixels) == pixels).all()


def test_parameters_are_values():
    assert Number(5, 1, 9) == Number(5, 1, 9) and eval(repr(Choice("a", ("a", "b")))) == Choice("a", ("a", "b"))
