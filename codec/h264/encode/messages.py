"""NAL units beside the slices: access unit delimiters (7.3.2.4), the settings of the encoder as user data (D.1.7),
recovery points (D.1.8), and the light of HDR (D.1.29, D.1.31)."""

from __future__ import annotations

import struct
import uuid

from ... import __version__
from ..stream.nal import AUD, write_nal
from ..stream.sei import (
    CONTENT_LIGHT,
    MASTERING_DISPLAY,
    RECOVERY_POINT,
    USER_DATA_UNREGISTERED,
    RecoveryPoint,
    write_payload,
    write_sei,
)
from ..stream.slice_header import B, I, P

SETTINGS_UUID = uuid.UUID("6e9a3f0c-52d4-4b8e-9c07-1d5b7be2a6f4")
PRIMARY_PIC_TYPES = {I: 0, P: 1, B: 2}  # Table 7-5; other pictures of the type have no more kinds of slices


def delimiter(kind):
    """The access unit delimiter of a picture whose slices are I, P or B."""
    return write_nal(AUD, 0, bytes([PRIMARY_PIC_TYPES[kind] << 5 | 0x10]))


def settings_message(text):
    """An SEI NAL unit that says which encoder made the stream, and how."""
    payload = SETTINGS_UUID.bytes + f"codec {__version__}: {text}".encode()
    return write_sei([(USER_DATA_UNREGISTERED, payload)])


def recovery_message():
    """An SEI NAL unit: decoding from this picture on gives exactly all that are shown after it."""
    return write_sei([(RECOVERY_POINT, write_payload(RecoveryPoint(0, 1, 0, 0)))])


def light_message(light):
    """An SEI NAL unit with what is known of `Light`, which holds up to the next key picture."""
    rows = (MASTERING_DISPLAY, ">8H2I", light.mastering), (CONTENT_LIGHT, ">2H", light.content)
    return write_sei([(kind, struct.pack(form, *values)) for kind, form, values in rows if values])
