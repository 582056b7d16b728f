"""One thing that a rule has found in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What the tokens from `first` up to and without `last` say of a field."""

    field: str
    value: str
    """As text for people: `10 s`, `9:16`, `luxury`."""
    first: int
    last: int
    confidence: float
    seconds: float = 0.0
    """Of a length."""
    cut: bool = False
    """Whether these words may leave the prompt, because the field carries them."""
    loose_end: str = ""
    """How it is said where that is not by its name: a ratio by its `shape` or `platform`, a style by a `synonym`."""
    notice: str = ""
    """The code of what must be said about it: `RANGE`, or `OUT_OF_RANGE`, which reads nothing."""
    before: str = ""
    """What the notice says was typed."""

    @property
    def tokens(self) -> range:
        """The tokens it was read from."""
        return range(self.first, self.last)
