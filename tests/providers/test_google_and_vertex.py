"""What Google's two adapters do with replies of any shape, with adopted ids, and with the rules of their rows."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outcome import Accepted, Ambiguous, Failed, Pending, Ready, Refused, Reply, Usage
from core.spec import MediaInput, Wish
from providers import prices
from providers.catalogue import ADAPTERS, CATALOGUE
from providers.model import LifecycleState, MediaForm
from providers.resolve import resolve
from providers.vertex import address

GOOGLE, VERTEX = ADAPTERS["google"], ADAPTERS["vertex"]
OPERATION = "projects/p/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/op-1"
PNG = MediaInput(data=b"PNG", mime_type="image/png")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_CONTENT = st.fixed_dictionaries({}, optional={"type": st.sampled_from(["video", "text"]), "uri": _JSON, "data": _JSON})
_STEP = st.fixed_dictionaries(
    {}, optional={"type": st.just("model_output"), "content": st.lists(_CONTENT), "error": _JSON}
)
_STATUSES = ["completed", "failed", "in_progress", "cancelled", "requires_continuation"]
_INTERACTION = st.fixed_dictionaries(
    {},
    optional={
        "id": _JSON,
        "status": st.sampled_from(_STATUSES) | _JSON,
        "steps": st.lists(_STEP) | _JSON,
        "errors": st.lists(_JSON) | _JSON,
        "error": _JSON,
        "finish_reason": _JSON,
        "usage": st.dictionaries(st.just("output_tokens_by_modality"), _JSON) | _JSON,
    },
)
_VIDEO = st.fixed_dictionaries({}, optional={"gcsUri": _JSON, "bytesBase64Encoded": _JSON, "mimeType": _JSON})
_RESPONSE = st.fixed_dictionaries(
    {}, optional={"videos": st.lists(_VIDEO) | _JSON, "raiMediaFilteredReasons": _JSON, "raiMediaFilteredCount": _JSON}
)
_OPERATION = st.fixed_dictionaries(
    {}, optional={"name": _JSON, "done": st.booleans() | _JSON, "response": _RESPONSE | _JSON, "error": _JSON}
)
_ERROR = st.fixed_dictionaries(
    {"error": st.dictionaries(st.sampled_from(["code", "message", "status", "details"]), _JSON) | _JSON}
)
_STATUS = st.sampled_from([200, 202, 302, 400, 401, 403, 404, 410, 416, 429, 500, 503])


def _reply(status: int, body: object) -> Reply:
    return Reply(status=status, body=json.dumps(body).encode())


@given(_STATUS, _INTERACTION | _ERROR | st.lists(_ERROR, max_size=2) | _JSON)
def test_interactions_of_any_shape(status: int, body: object) -> None:
    assert isinstance(GOOGLE.outcome(_reply(status, body)), Pending | Ready | Failed)
    assert isinstance(GOOGLE.submitted(_reply(status, body)), Accepted | Refused | Ambiguous)


@given(_STATUS, _OPERATION | _ERROR | st.lists(_ERROR, max_size=2) | _JSON)
def test_operations_of_any_shape(status: int, body: object) -> None:
    assert isinstance(VERTEX.outcome(_reply(status, body)), Pending | Ready | Failed)
    assert isinstance(VERTEX.submitted(_reply(status, body)), Accepted | Refused | Ambiguous)


@pytest.mark.parametrize("identifier", ["v1_abc", "v1_" + "A" * 380, "int_1", "a.b=="])
def test_an_interaction_is_adopted_by_its_id(identifier: str) -> None:
    row = CATALOGUE.rows["google/gemini-omni-1.1-flash"]
    assert GOOGLE.adopt(identifier, row) == {"id": identifier}
    assert GOOGLE.poll({"id": identifier}).path == f"/v1/interactions/{identifier}"


@pytest.mark.parametrize("identifier", ["", ".", "..", "a/b", "../x", "a?b", "a b", "ä", "v1_" + "A" * 500, "a\n"])
def test_what_is_no_interaction(identifier: str) -> None:
    assert GOOGLE.adopt(identifier, CATALOGUE.rows["google/gemini-omni-1.1-flash"]) is None


def test_an_operation_is_adopted_by_its_whole_name() -> None:
    ticket = VERTEX.adopt(OPERATION, CATALOGUE.rows["vertex/veo-3.1"])
    assert ticket == {"id": OPERATION}
    request = VERTEX.poll(ticket)
    assert request.path == "/publishers/google/models/veo-3.1-generate-001:fetchPredictOperation"
    assert request.json == {"operationName": OPERATION}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "op-1",
        OPERATION + "/x",
        OPERATION.replace("p/loc", "../loc"),
        OPERATION.replace("google/models", "evil/models"),
        OPERATION.replace("veo-3.1-generate-001", "veo-3.1-fast-generate-001"),
        OPERATION + "\n",
    ],
)
def test_what_is_no_operation_of_the_row(name: str) -> None:
    assert VERTEX.adopt(name, CATALOGUE.rows["vertex/veo-3.1"]) is None


@pytest.mark.parametrize(
    ("project", "location"),
    [
        ("", "us-central1"),
        ("p", ""),
        ("p/../q", "us"),
        ("p", "evil.example/"),
        ("p", "US"),
        ("p?x", "us"),
        ("p#", "us"),
    ],
)
def test_a_malformed_project_or_location(project: str, location: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        address(project, location)


def test_vertex_can_neither_cancel_nor_list() -> None:
    assert VERTEX.cancel({"id": OPERATION}) is None
    assert [VERTEX.takes_callbacks, VERTEX.can_search, GOOGLE.can_search] == [False, False, False]


@pytest.mark.parametrize("model_id", [row for row in CATALOGUE.rows if row.startswith(("google/", "vertex/"))])
def test_the_rows_take_files_inline_and_always_make_sound(model_id: str) -> None:
    row = CATALOGUE.rows[model_id]
    if row.lifecycle.state is LifecycleState.RETIRED:
        assert row.lifecycle.successor == "google/gemini-omni-1.1-flash"
        return
    assert row.media_forms == (MediaForm.INLINE,)
    assert row.has_audio
    assert row.fps == 24


def _faults(model_id: str, wish: Wish) -> list[str]:
    return [violation.field for violation in resolve(wish, CATALOGUE.rows[model_id]).violations]


REFUSED: dict[str, tuple[str, Wish, str]] = {
    "omni 1.1 stops at ten seconds": (
        "google/gemini-omni-1.1-flash",
        Wish(prompt="x", duration=11),
        "parameters.duration",
    ),
    "omni starts at three": ("google/gemini-omni-1.2-flash", Wish(prompt="x", duration=2), "parameters.duration"),
    "omni counts whole seconds": (
        "google/gemini-omni-1.2-flash",
        Wish(prompt="x", duration=4.5),
        "parameters.duration",
    ),
    "omni from frames stops at ten": (
        "google/gemini-omni-1.2-flash",
        Wish(prompt="x", duration=15, first_frame=PNG, last_frame=PNG),
        "parameters.duration",
    ),
    "omni takes no silence": ("google/gemini-omni-1.1-flash", Wish(prompt="x", audio=False), "parameters.audio"),
    "omni takes no seed": ("google/gemini-omni-1.1-flash", Wish(prompt="x", seed=1), "parameters.seed"),
    "omni 1.1 takes three references": (
        "google/gemini-omni-1.1-flash",
        Wish(prompt="x", references=(PNG,) * 4),
        "reference_images",
    ),
    "veo has no square": ("vertex/veo-3.1", Wish(prompt="x", aspect_ratio="1:1"), "parameters.aspect_ratio"),
    "veo at full size is eight seconds long": (
        "vertex/veo-3.1",
        Wish(prompt="x", duration=4, resolution="1080p"),
        "parameters.duration",
    ),
    "veo with references is eight seconds long": (
        "vertex/veo-3.1-fast",
        Wish(prompt="x", duration=6, references=(PNG,)),
        "parameters.duration",
    ),
    "veo takes references or a frame": (
        "vertex/veo-3.1",
        Wish(prompt="x", first_frame=PNG, references=(PNG,)),
        "reference_images",
    ),
    "lite has no 4k": ("vertex/veo-3.1-lite", Wish(prompt="x", resolution="4k"), "parameters.resolution"),
    "lite takes no references": ("vertex/veo-3.1-lite", Wish(prompt="x", references=(PNG,)), "reference_images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_row_refuses(name: str) -> None:
    model_id, wish, field = REFUSED[name]
    assert field in _faults(model_id, wish)


def test_omni_1_2_makes_fifteen_seconds_from_text() -> None:
    assert _faults("google/gemini-omni-1.2-flash", Wish(prompt="x", duration=15)) == []


def test_metered_tokens_settle_omni_1_1() -> None:
    row = CATALOGUE.rows["google/gemini-omni-1.1-flash"]
    spec = resolve(Wish(prompt="x", duration=5), row).spec
    cost = prices.cost(row, spec, Usage(tokens=28_960), delivered_seconds=5.0)
    assert cost.money.micros == int(Decimal("17.50") * 28_960)
    assert prices.quote(row, spec).expected.micros == 507_000 >= cost.money.micros


def test_seconds_settle_omni_1_2() -> None:
    row = CATALOGUE.rows["google/gemini-omni-1.2-flash"]
    spec = resolve(Wish(prompt="x", duration=5), row).spec
    assert prices.cost(row, spec, Usage(tokens=28_960), delivered_seconds=5.0).money.micros == 350_000
