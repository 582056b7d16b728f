"""How to reach an S3 service: every value is given, none is read from the environment."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Options:
    """Addresses, credentials and limits. Secrets do not show in `repr`.

    Either `access_key_id` and `secret_access_key` are given, or `ambient_credentials` allows those of the machine's
    role (and of the AWS variables and files that the SDK knows); ValueError otherwise.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint_url: str | None = None
    """None: AWS itself."""
    public_endpoint_url: str | None = None
    """The address browsers use, where it differs: presigned URLs are signed for it."""
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    credentials_end: datetime | None = None
    """When a given session token expires, if known: no URL claims to live longer."""
    ambient_credentials: bool = False
    addressing_style: Literal["path", "virtual"] | None = None
    """None: `virtual` at AWS, `path` elsewhere."""
    ca_bundle: str | None = None
    """File of the authorities to trust; None: the SDK's own."""
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    attempts: int = 4
    """How often one operation is tried."""
    retry_pause: float = 0.25
    """Seconds before the second attempt; doubled each time, up to 5 s, jittered."""
    threads: int = 16
    uploads: int = 4
    """Uploads at once; each holds one part in memory."""
    single_put_bytes: int = 16 * MIB
    """Smaller objects go in one PUT."""
    part_bytes: int = 8 * MIB
    """S3 wants 5 MiB or more, and at most 10,000 parts."""

    def __post_init__(self) -> None:
        if not self.bucket:
            raise ValueError("S3 needs a bucket name")
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("S3 needs both the access key id and the secret access key")
        if bool(self.access_key_id) == self.ambient_credentials:
            raise ValueError("S3 needs either an access key or leave to use the machine's own role, and not both")

    @property
    def style(self) -> Literal["path", "virtual"]:
        """The addressing style in force."""
        return self.addressing_style or ("path" if self.endpoint_url else "virtual")
