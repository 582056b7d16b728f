"""Short-lived credentials: where an endpoint's access token comes from."""

from typing import Protocol


class TokenSource(Protocol):
    """Gives an access token that is good for the next minutes."""

    async def token(self) -> str:
        """The token. Raises OSError, without any secret in its text, when there is none."""
