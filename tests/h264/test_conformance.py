"""The conformance suites, bit for bit: the MD5 of all output pictures equals that of the reference pictures.

By default a few streams that together use every tool; CODEC_ROBUSTNESS=full decodes all of them.
"""

import hashlib
import os

import numpy as np
import pytest

import codec
from codec import cpu
from codec.h264 import Decoder

FULL = os.environ.get("CODEC_ROBUSTNESS") == "full"
QUICK = (
    "BA1_Sony_D",
    "SVA_BA2_D",
    "SVA_CL1_E",
    "SVA_FM1_E",
    "SL1_SVA_B",
    "BASQP1_Sony_C",
    "NL3_SVA_E",
    "BA3_SVA_C",  # CAVLC, slices, slice groups
    "CABA1_SVA_B",
    "CABA2_SVA_B",
    "CABA3_SVA_B",
    "CANL4_SVA_B",
    "CABASTBR3_Sony_B",
    "CABAST3_Sony_E",  # CABAC
    "QCIF_2P_I_allIPCM.264",
    "test_scalinglist_jm.264",  # I_PCM, weights, matrices
    "HCAFR2_HHI_A",
    "HCAFR3_HHI_A",
    "FRExt3_Panasonic_E",  # 8x8 transform
    "FREXT01_JVC_D",
    "FREXT02_JVC_C",
    "FRExt2_Panasonic_C",
    "HCAMFF1_HHI_B",  # MBAFF, fields
    "MVCDS-5",
    "MVCSPS-1",  # base views
)


def md5_of(frames):
    found, count = hashlib.md5(), 0
    for frame in frames:
        count += 1
        for plane in frame.planes:
            found.update(np.ascontiguousarray(plane.astype(plane.dtype.newbyteorder("<"), copy=False)))
    return found.hexdigest(), count


def chosen(streams):
    return {
        vector: (row, path)
        for vector, (row, path) in streams.items()
        if not row["damaged"] and (FULL or vector in QUICK or row["suite"] == "extra")
    }


def test_streams_decode_bit_for_bit(streams):
    found = chosen(streams)
    assert len(found) > 80 and (FULL or set(QUICK) <= set(found))
    for vector, (row, path) in found.items():
        assert (vector, *md5_of(codec.decode_video(path))) == (vector, row["decoded_md5"], row["frames"])


@pytest.mark.parametrize(
    "vector", ["CABA3_SVA_B", "FRExt3_Panasonic_E", "HCAMFF1_HHI_B", "high10_weighted422_cabac_p.h264"]
)
def test_the_scalar_kernels_give_the_same(streams, vector):
    row, path = streams[vector]
    with cpu.force("scalar"):
        assert md5_of(codec.decode_video(path))[0] == row["decoded_md5"]


def test_side_data_describes_the_macroblocks(streams):
    """Intra pictures have no vectors, others have some, and every macroblock is in a slice."""
    decoder = Decoder(side_data=True)
    frames = decoder.feed(streams["CABA3_SVA_B"][1].read_bytes()) + decoder.flush()
    kinds = {frame.type for frame in frames}
    assert {"I", "P", "B"} <= kinds
    b8_of_b4 = [2 * (b4 >> 3) + (b4 >> 1 & 1) for b4 in range(16)]
    for frame in frames:
        data = frame.side_data
        assert (data["slice"] >= 0).all()
        assert (data["ref_idx"] >= 0).any() == (frame.type != "I")
        assert not data["mv"][data["ref_idx"][..., b8_of_b4] < 0].any()
