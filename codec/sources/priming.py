"""Audio that begins before the time 0 of its file, with samples that are decoded and not played.

MP4 says so by an edit list, Matroska by CodecDelay of the track (RFC 9559, 5.1.4.1.25), which FFmpeg writes for tracks
that came with one.
"""

import io

from ..errors import BitstreamError

EBML, SEGMENT, TRACKS, TRACK_ENTRY, CODEC_DELAY = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0xAE, 0x56AA
CLUSTER, TIMESTAMP = 0x1F43B675, 0xE7


def samples_before(container, tracks):
    """{index of a track: samples that its first packet begins before 0}; it reads the first packets.

    Parameters
    ----------
    container : av.container.InputContainer
    tracks : sequence of av.audio.AudioStream
    """
    found = {}
    for packet in container.demux(*tracks):
        if packet.size and packet.pts is not None:
            early = max(0, -packet.pts) * packet.time_base
            found.setdefault(packet.stream_index, round(early * packet.stream.codec_context.sample_rate))
            if len(found) == len(tracks):
                break
    return found


def delayed(open_container, track, samples):
    """A container whose only track is like another one, and plays that many samples less at its beginning.

    Parameters
    ----------
    open_container : av.open
    track : av.audio.AudioStream
    samples : int

    Returns
    -------
    av.container.InputContainer
    """
    head = io.BytesIO()
    with open_container(head, "w", format="matroska") as made:
        made.add_stream_from_template(track)
        made.start_encoding()
    data = head.getvalue()
    entry = _content(_content(_content(data, SEGMENT), TRACKS), TRACK_ENTRY)
    nanoseconds = round(samples * 10**9 / track.codec_context.sample_rate)
    entry += _element(CODEC_DELAY, nanoseconds.to_bytes(8, "big"))
    tracks = _element(TRACKS, _element(TRACK_ENTRY, entry))
    cluster = _element(CLUSTER, _element(TIMESTAMP, b"\0"))  # without one it is not read
    data = _element(EBML, _content(data, EBML)) + _element(SEGMENT, tracks + cluster)
    return open_container(io.BytesIO(data), format="matroska")


def _element(name, content):
    """An EBML element with a size of eight octets (RFC 8794, 4)."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (1 << 56 | len(content)).to_bytes(8, "big") + content


def _content(data, wanted):
    """The content of the first element of a kind; sizes that are unknown reach to the end."""
    at = 0
    while at < len(data):
        name, at = _number(data, at, False)
        size, at = _number(data, at, True)
        if name == wanted:
            return data[at : at + size]
        at += size
    raise BitstreamError("FFmpeg wrote a Matroska header without a track", layer="audio")


def _number(data, at, is_size):
    """(an ID with its marker, or a size without; where it ends)"""
    octets = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + octets], "big")
    return value & ((1 << 7 * octets) - 1) if is_size else value, at + octets
