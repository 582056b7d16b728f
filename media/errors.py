"""How media work ends badly.

core.errors.MediaRejected       the file is not what it claims; the text is for people
├── MediaTimeout                the work was ended because it took too long
└── MediaCrashed                the file took its worker down (a limit, a decoder's crash)
MediaFault                      our side failed: a full disk, a broken installation, a closed pool; not the file's fault
"""

from core.errors import MediaRejected


class MediaTimeout(MediaRejected):
    """The work took longer than it was given; its worker was killed."""


class MediaCrashed(MediaRejected):
    """The worker died of a signal at this work: a limit was hit, the decoder crashed, or it was killed."""


class MediaFault(RuntimeError):
    """Work that failed for a reason that says nothing about the file. The text is ours and names no path."""
