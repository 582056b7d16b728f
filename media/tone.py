"""A quiet tone of any length for the price of a few blocks: it repeats with every block, so one packet does too."""

import math
from array import array
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.packet import Packet

SAMPLE_RATE = 48_000
BLOCK = 1024
"""Samples that AAC encodes at a time."""
TURNS = 5
"""Of the tone in one block, so 234.375 Hz."""
LOUDNESS = 0.04
SETTLED = 8
"""Blocks after which every packet says the same as the one before."""


def tone_stream(container: "OutputContainer") -> "AudioStream":
    """A track of mono AAC."""
    stream = container.add_stream("aac", rate=SAMPLE_RATE)
    stream.layout = "mono"
    stream.bit_rate = 48_000
    return stream


def tone(stream: "AudioStream", samples: int) -> "Iterator[Packet[Any]]":
    """The packets of exactly so many samples."""
    import av

    blocks = -(-samples // BLOCK)
    wave = array("f", (LOUDNESS * math.sin(2 * math.pi * TURNS * n / BLOCK) for n in range(BLOCK))).tobytes()
    made = [packet for number in range(SETTLED) for packet in stream.encode(_block(number, wave))]
    bodies = [bytes(packet) for packet in made]
    stream.encode(None)  # what it still holds is not needed
    # the first packet is the encoder's run-up: players start after it
    for number, body in zip(range(-1, blocks), chain(bodies, repeat(bodies[-1])), strict=False):
        packet = av.Packet(body)
        packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, SAMPLE_RATE), True
        packet.pts = packet.dts = number * BLOCK
        packet.duration = min(BLOCK, samples - number * BLOCK)
        yield packet


def _block(number: int, wave: bytes) -> "AudioFrame":
    from av import AudioFrame

    frame = AudioFrame(format="fltp", layout="mono", samples=BLOCK)
    frame.planes[0].update(wave)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, number * BLOCK, Fraction(1, SAMPLE_RATE)
    return frame
