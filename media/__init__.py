"""Looks at, makes and mends video and image files; everything that decodes runs in a `MediaPool` worker.

The server process imports these modules to name their functions, so `av`, `PIL` and `numpy` are imported inside the
functions that need them: the decoders live in the workers only.
"""
