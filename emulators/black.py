"""Draws the clip of the fault `black`: well-formed, playable, and nothing to see. Runs in a media worker."""

from fractions import Fraction


def render_black(path: str, *, seconds: float, width: int, height: int, fps: float) -> None:
    """Write a silent black H.264 MP4 of `seconds` at `fps`, `width` x `height` pixels (even), to `path`."""
    import av

    rate = Fraction(fps).limit_denominator(1001)
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        for index in range(round(seconds * rate)):
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
