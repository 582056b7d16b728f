"""What a transcript shows of a vendor's texts."""

import pytest

from server.commands.verify_redaction import MASK, Redaction, shape


def _redaction() -> Redaction:
    return Redaction(
        ["planted-secret"],
        {"films-1": "project"},
        {"https://api.vendor.example": "https://api.vendor.example"},
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer planted-secret", f"Bearer {MASK}"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", MASK),
        ("key sk-ab***********yz is bad", f"key {MASK} is bad"),
        ("ask ann@films.example or bob@films.example", "ask person-1@example.invalid or person-2@example.invalid"),
        ("https://cdn.example/u/77/out.mp4?X-Amz-Signature=ab&sig", "https://host-1.invalid/file-1.mp4?X-Amz-Signature"),
        ("https://cdn.example/a/b", "https://host-1.invalid/path-1"),
        ("https://api.vendor.example/v1/jobs/7?page=secret", "https://api.vendor.example/v1/jobs/7?page"),
        ("https://api.vendor.example/files/x.mp4", "https://api.vendor.example/file-1.mp4"),
        ("https://api.vendor.example/files/x:download?alt=media&key=planted", "https://api.vendor.example/files/file-1:download?alt=media&key"),
        ("https://user:pass@cdn.example/", "https://host-1.invalid/"),
        ("https://[::1/x", "https://unreadable.invalid/"),
        ("gs://my-bucket/clip.mp4", "gs://bucket-1/clip.mp4"),
        ("projects/films-1/locations/us", "projects/project-1/locations/us"),
        ("films-1 and projects/other", "project-1 and projects/project-2"),
        ("no such org-AbCdEf0123456789", "no such account-1"),
        ("17f20503-6c24-4c16-946b-35dbbce2af2f", "17f20503-6c24-4c16-946b-35dbbce2af2f"),
        ("A" * 5000, "A" * 64),
        ("data:video/mp4;base64," + "A" * 5000, "data:video/mp4;base64," + "A" * 64),
        ("é" * 5000, "é" * 4000 + "… (5000 characters)"),
    ],
)  # fmt: skip
def test_a_text(text: str, shown: str) -> None:
    assert _redaction().text(text) == shown


def test_one_thing_has_one_name() -> None:
    redaction = _redaction()
    first, second = (redaction.text(f"https://cdn.example/{name}.mp4?sig=1") for name in "ab")
    assert (first, second) == ("https://host-1.invalid/file-1.mp4?sig", "https://host-1.invalid/file-2.mp4?sig")
    assert redaction.text("https://cdn.example/a.mp4?sig=2") == first


@pytest.mark.parametrize("name", ["key", "apiKey", "access_token", "client_secret", "Signature", "nextPageToken"])
def test_a_member_that_holds_a_secret(name: str) -> None:
    assert _redaction().value({name: "anything", "tokens": 3}) == {name: MASK, "tokens": 3}


@pytest.mark.parametrize("name", ["user_id", "userId", "owner", "organization", "account_name", "email", "username"])
def test_a_member_that_names_the_account(name: str) -> None:
    value = {"list": [{name: "ann"}, {name: "bob"}, {name: "ann"}]}
    assert _redaction().value(value) == {"list": [{name: "account-1"}, {name: "account-2"}, {name: "account-1"}]}


def test_headers_keep_their_names() -> None:
    headers = {
        "Retry-After": "7",
        "Set-Cookie": "s=1",
        "X-Fal-Error-Type": "x",
        "X-Account": "ann",
        "Location": "/v1/a",
    }
    assert _redaction().headers(headers) == {
        "retry-after": "7",
        "set-cookie": MASK,
        "x-fal-error-type": "x",
        "x-account": MASK,
        "location": "/v1/a",
    }


def test_a_shape_tells_kinds_only() -> None:
    value = {"results": [{"prompt": "mine", "n": 1, "done": True}, {}], "next": None, "a" * 50: "x"}
    assert shape(value) == {
        "results": [{"prompt": "(text)", "n": "(number)", "done": "(true or false)"}],
        "next": None,
        "(name)": "(text)",
    }
