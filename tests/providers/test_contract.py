"""The adapters against folders of data: `contract/{vendor}/{requests,states,errors}.json`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.outcome import Finished, Outcome, Pending, Reply, Submitted
from core.spec import MediaInput, Motion, Quality, Wish
from providers import PROVIDERS
from providers.base import BaseVideoProvider
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.plain import plain
from providers.resolve import resolve

_ROOT = Path(__file__).parent / "contract"
_FILES = ("requests", "states", "errors")


def _cases(*files: str) -> list[Any]:
    found = []
    for vendor in sorted(folder.name for folder in _ROOT.iterdir()):
        for file in files:
            rows = json.loads((_ROOT / vendor / f"{file}.json").read_text())
            found += [pytest.param(vendor, row, id=f"{vendor}-{file}-{row['name']}") for row in rows]
    return found


def _media(value: Mapping[str, str]) -> MediaInput:
    return MediaInput(
        uri=value.get("uri", ""), data=value.get("data", "").encode(), mime_type=value.get("mime_type", "")
    )


def _wish(value: Mapping[str, Any]) -> Wish:
    convert: dict[str, Callable[[Any], object]] = {
        "first_frame": _media,
        "last_frame": _media,
        "source_video": _media,
        "references": lambda images: tuple(map(_media, images)),
        "motion": Motion,
        "quality": Quality,
    }
    members: dict[str, Any] = {
        name: convert[name](member) if name in convert else member for name, member in value.items()
    }
    return Wish(**members)


def _reply(value: Mapping[str, Any]) -> Reply:
    body = json.dumps(value["json"]) if "json" in value else value["text"]
    return Reply(status=value["status"], headers=value.get("headers", {}), body=body.encode())


def _ask(adapter: BaseVideoProvider, call: str, reply: Reply) -> Outcome | Finished | Submitted:
    calls = {"outcome": adapter.outcome, "cancelled": adapter.cancelled, "submitted": adapter.submitted}
    answer: Outcome | Finished | Submitted = calls[call](reply)
    return answer


def _assert_holds(expected: object, actual: object, where: str) -> None:
    """Every member that is expected is there; mappings may hold more."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, member in expected.items():
            assert name in actual, f"{where}.{name} is missing"
            _assert_holds(member, actual[name], f"{where}.{name}")
    else:
        assert actual == expected, where


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_vendor_has_its_folder(provider: type[BaseVideoProvider]) -> None:
    missing = [file for file in _FILES if not (_ROOT / provider.name / f"{file}.json").exists()]
    assert not missing, f"write tests/providers/contract/{provider.name}/{missing}"
    asked = {row["model"] for row in json.loads((_ROOT / provider.name / "requests.json").read_text())}
    buyable = {model.id for model in provider.models if model.lifecycle.state != "retired"}
    assert asked == buyable


def test_every_folder_has_its_vendor() -> None:
    assert {folder.name for folder in _ROOT.iterdir()} == {provider.name for provider in PROVIDERS}


@pytest.mark.parametrize(("vendor", "case"), _cases("requests"))
def test_request(vendor: str, case: Mapping[str, Any]) -> None:
    model = CATALOGUE.rows[case["model"]]
    resolved = resolve(_wish(case["wish"]), model)
    assert resolved.violations == ()
    request = ADAPTERS[vendor].submit(resolved.spec, model, case.get("callback"))
    for name, expected in case["expect"].items():
        assert getattr(request, name) == expected
    assert request.auth is not None
    assert json.loads(json.dumps(request.json)) == request.json


@pytest.mark.parametrize(("vendor", "case"), _cases("states", "errors"))
def test_reply(vendor: str, case: Mapping[str, Any]) -> None:
    actual = _ask(ADAPTERS[vendor], case["call"], _reply(case["reply"]))
    expected = dict(case["expect"])
    assert type(actual).__name__ == expected.pop("is")
    _assert_holds(expected, plain(actual), case["name"])
    assert "sig=" not in repr(plain(actual))


@pytest.mark.parametrize(("vendor", "case"), _cases("states"))
def test_a_vendor_that_names_a_wait_is_left_alone(vendor: str, case: Mapping[str, Any]) -> None:
    adapter, reply = ADAPTERS[vendor], _reply(case["reply"])
    if case["call"] == "outcome" and 200 <= reply.status < 300 and isinstance(adapter.outcome(reply), Pending):
        outcome = adapter.outcome(replace(reply, headers={"retry-after": "7"}))
        assert isinstance(outcome, Pending)
        assert outcome.retry_after == 7.0
