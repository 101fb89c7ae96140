"""445 public JPEG files: each decodes to exactly the pixels of libjpeg-turbo, or is refused for the
reason given in damaged.json.

No peer reads lossless arithmetic coding; there, the suite's own descriptions and its other files of the same
picture are the reference.

The files are in ../shared/data relative to the project's root, or where CODEC_TEST_DATA points. After a
change in what is refused: python tests/conformance/test_jpeg_suite.py rewrites damaged.json; read the
difference before you believe it.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import codec

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("CODEC_TEST_DATA") or HERE.parents[2] / "shared" / "data")
DAMAGED = json.loads((HERE / "damaged.json").read_text()) if (HERE / "damaged.json").exists() else {}
COUNT = 445
SUITE = "jpeg/robert-ancell-jpegsuite/jpeg"
PEERS = ("imagecodecs", "pillow", "sof3")

# Lossless YCbCr: one peer refuses it, the other omits the colour transform. DNL: the latter reads it as a
# picture without lines.
PEERS_WRONG = tuple(f"{SUITE}/lossless_huffman/32x32x8_{name}.jpg" for name in ("ycbcr", "ycbcr_interleaved", "dnl"))


def _names():
    manifest = DATA / "jpeg" / "MANIFEST.json"
    return [entry["file"] for entry in json.loads(manifest.read_text())] if manifest.exists() else []


NAMES = _names()
each_file = pytest.mark.parametrize("name", NAMES)


def test_the_files_are_there():
    if not NAMES:
        pytest.skip(f"{COUNT} files are not tested: no data at {DATA}; set CODEC_TEST_DATA")
    assert len(NAMES) >= COUNT


def _ours_to_decode(name):
    """Whether there is anything to compare; the peers are slow on some damaged files."""
    return name not in DAMAGED and name not in PEERS_WRONG


@pytest.fixture(scope="session")
def peers():
    """file name -> {"imagecodecs": [shape, dtype, sha256] or None, "pillow": ..., "sof3": ...}"""
    names = "\n".join(filter(_ours_to_decode, NAMES))
    made = subprocess.run(
        [sys.executable, HERE / "peers.py", DATA], input=names, capture_output=True, text=True, check=True
    )
    return {row["file"]: row for row in map(json.loads, made.stdout.splitlines())}


def where_they_part(name, peer, pixels):
    made = subprocess.run([sys.executable, HERE / "peers.py", DATA / name, peer], capture_output=True, check=True)
    theirs = np.load(io.BytesIO(made.stdout))
    if theirs.shape != pixels.shape:
        return f"{peer}: shape {theirs.shape}, not {pixels.shape}"
    difference = np.abs(theirs.astype(int) - pixels)
    first = np.argwhere(difference)[0].tolist()
    return f"{peer}: {(difference > 0).sum()} samples differ, by {difference.max()} at most, the first at {first}"


@each_file
def test_pixels_are_those_of_a_peer_or_the_reason_is_known(name, peers):
    """One peer is enough: Pillow does not read 12 bits, imagecodecs does not invert CMYK, sof3 reads lossless only, and
    each refuses some damaged files."""
    data = (DATA / name).read_bytes()
    try:
        pixels = np.atleast_1d(np.squeeze(codec.jpeg.decode(data).pixels))
    except codec.CodecError as error:
        assert name in DAMAGED, f"refused: {error}"
        assert type(error).__name__ == DAMAGED[name]["error"] and str(error).endswith(DAMAGED[name]["reason"])
        return
    assert name not in DAMAGED
    if name in PEERS_WRONG:
        return
    shown = [peer for peer in PEERS if peers[name][peer]]
    ours = [list(pixels.shape), str(pixels.dtype), hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()]
    if shown and not any(peers[name][peer] == ours for peer in shown):
        pytest.fail("; ".join(where_they_part(name, peer, pixels) for peer in shown))


@pytest.mark.parametrize("name", [name for name in DAMAGED if name in NAMES])
def test_damaged_files_give_a_picture_when_asked_to_conceal(name):
    data, shape = (DATA / name).read_bytes(), DAMAGED[name]["concealed"]
    if shape is None:
        with pytest.raises(codec.CodecError):
            codec.jpeg.decode(data, on_error="conceal")
        return
    result = codec.jpeg.decode(data, on_error="conceal")
    assert list(result.pixels.shape) == shape and result.damage.errors


def like(folder, name):
    """The same picture in another file of the suite."""
    return codec.decode(DATA / SUITE / folder / name)


@pytest.mark.parametrize("name", [name for name in NAMES if f"{SUITE}/lossless_" in name and "ycbcr" not in name])
def test_lossless_files_are_the_pictures_that_the_suite_calls_them(name):
    """Gray files of 32x32 show one picture, scaled to 2..16 bits; smaller files and RGB files have a counterpart
    coded with another process."""
    pixels, what = codec.decode(DATA / name), name.split("/")[-1]
    if "rgb" in what:
        reference, tolerance = like("baseline", "32x32x8_rgb.jpg").astype(int), 1
    elif pixels.shape == (32, 32):
        top = (1 << codec.probe(DATA / name).precision) - 1
        reference, tolerance = like("lossless_huffman", "32x32x8_grayscale.jpg") * (top / 255), top / 255 / 2 + 0.5
    else:
        folders = (
            "lossless_huffman",
            "baseline",
            "extended_huffman",
            "extended_arithmetic",
            "progressive_huffman",
            "progressive_arithmetic",
        )
        twin = next(
            folder for folder in folders if f"/{folder}/" not in name and (DATA / SUITE / folder / what).exists()
        )
        reference, tolerance = like(twin, what).astype(int), 1
    assert pixels.shape == reference.shape and np.abs(pixels - reference).max() <= tolerance


@pytest.mark.parametrize("name", [name for name in NAMES if f"{SUITE}/lossless_" in name and "ycbcr" in name])
def test_lossless_ycbcr_becomes_rgb(name):
    difference = np.abs(codec.decode(DATA / name).astype(int) - like("baseline", "32x32x8_rgb.jpg"))
    assert difference.max() <= 4 and difference.mean() < 0.5


def test_lines_by_dnl():
    for folder in ("lossless_huffman", "extended_arithmetic"):
        np.testing.assert_array_equal(like(folder, "32x32x8_dnl.jpg"), like(folder, "32x32x8_grayscale.jpg"))


# ---------------------------------------------------------------- the suite that describes itself


def described():
    """(JPEG, description) of each file of the jpegsuite."""
    return [
        (name, name[:-4] + ".json")
        for name in NAMES
        if name.startswith(SUITE) and (DATA / (name[:-4] + ".json")).exists()
    ]


def sections(description, kind):
    return [segment for segment in description["segments"] if segment["type"] == kind]


@pytest.mark.parametrize("name, about", described())
def test_headers_are_as_the_suite_describes_them(name, about):
    description, report = json.loads((DATA / about).read_text()), codec.jpeg.inspect(DATA / name)
    assert (report["width"], report["height"]) == (description["width"], description["height"])
    inside = ("DCT", "DCTSuccessive", "Lossless", *(f"RST{i}" for i in range(8)))
    assert [s["marker"] for s in report["segments"]] == [
        s["type"] for s in description["segments"] if s["type"] not in inside
    ]
    (frame,) = [s for s in description["segments"] if s["type"].startswith("SOF")]
    assert report["precision"] == int(frame["precision"])
    assert [(c["C"], [c["H"], c["V"]], c["Tq"]) for c in report["components"]] == [
        (c["id"], c["sampling_factor"], c["quantization_table"]) for c in frame["components"]
    ]
    assert [(scan["components"], [scan["Ss"], scan["Se"]], [scan["Ah"], scan["Al"]]) for scan in report["scans"]] == [
        ([c["component_id"] for c in scan["components"]], scan["spectral_selection"], scan["approximation"])
        for scan in sections(description, "SOS")
    ]
    tables = {
        str(table["destination"]): table["values"]
        for segment in sections(description, "DQT")
        for table in segment["tables"]
    }
    assert report["quant_tables"] == tables
    huffman = [
        (table["class"].upper(), table["destination"], [len(s) for s in table["symbols"]], sum(table["symbols"], []))
        for segment in sections(description, "DHT")
        for table in segment["tables"]
    ]
    assert [(t["class"], t["id"], t["BITS"], t["HUFFVAL"]) for t in report["huffman_tables"]] == huffman
    conditioning = [
        {"class": "DC", "id": t["destination"], "L": t["lower"], "U": t["upper"]}
        if t["class"] == "dc"
        else {"class": "AC", "id": t["destination"], "Kx": t["kx"]}
        for segment in sections(description, "DAC")
        for t in segment["tables"]
    ]
    assert report["conditioning"] == conditioning
    comments = [c.decode() for c in codec.probe(DATA / name).metadata.comments]
    assert comments == [segment["data"] for segment in sections(description, "COM")]


def _damage(name):
    data = (DATA / name).read_bytes()
    try:
        codec.jpeg.decode(data)
    except codec.CodecError as error:
        try:
            concealed = list(codec.jpeg.decode(data, on_error="conceal").pixels.shape)
        except codec.CodecError:
            concealed = None
        reason = str(error) if not isinstance(error, codec.BitstreamError) else f"{error.reason} ({error.clause})"
        return {"error": type(error).__name__, "reason": reason, "concealed": concealed}
    return None


if __name__ == "__main__":
    found = {name: damage for name in NAMES if (damage := _damage(name))}
    (HERE / "damaged.json").write_text(json.dumps(found, indent=1) + "\n")
