"""The contract as a whole: everything explained, numbers and names as promised, no foreign imports."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
REQUEST_FIELDS = [
    *("tenant_name", "creative_id", "prompt", "model", "variations", "parameters"),
    *("first_frame", "last_frame", "reference_images", "source_video", "enhance_prompt", "fallback_models"),
    *("max_cost", "request_id", "wait", "validate_only", "webhook", "labels"),
    *("selection", "vendor_options", "allow_substitutions", "priority", "prompt_id"),
]
RPCS = [
    *("CreateTenant", "GetTenant", "ListTenants", "UpdateTenant"),
    *("SetBudget", "GetBudget", "ListBudgets", "DeleteBudget"),
    *("GetUsage", "ListLedgerEntries", "ListParkedClips", "ListAuditEntries", "DeleteTenant"),
    *("CreateWebhookEndpoint", "GetWebhookEndpoint", "ListWebhookEndpoints", "UpdateWebhookEndpoint"),
    *("DeleteWebhookEndpoint", "RotateWebhookSecret", "GetWebhookSecret", "ListWebhookDeliveries"),
    *("RedeliverWebhook", "TestWebhookEndpoint"),
    *("QuantifyPrompt", "RegeneratePrompt", "WriteScript"),
    *("GenerateVideo", "BatchGenerateVideos", "QuoteVideo", "ListVideoModels", "GetJob"),
    *("ListJobs", "CancelJob", "WatchJob", "ResolveClip", "GetVideo"),
    *("ListVideos", "DeleteVideo", "UploadAsset", "GetAsset", "ListAssets", "DeleteAsset", "GetLineage"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[FileDescriptorProto]:
    """The contract's files as protoc reads them, comments included."""
    out = tmp_path_factory.mktemp("descriptors") / "contract.binpb"
    names = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    options = [f"--proto_path={PROTOS}", "--include_source_info", f"--descriptor_set_out={out}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, *names], check=True)
    return list(FileDescriptorSet.FromString(out.read_bytes()).file)


def message_parts(message: DescriptorProto, path: tuple[int, ...], name: str) -> Iterator[tuple[tuple[int, ...], str]]:
    """Paths and names of a message, its fields, oneofs, nested messages and enums."""
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, DescriptorProto.FIELD_FIELD_NUMBER, index), f"{name}.{field.name}"
    synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
    for index, oneof in enumerate(message.oneof_decl):
        if index not in synthetic:
            yield (*path, DescriptorProto.ONEOF_DECL_FIELD_NUMBER, index), f"{name}.{oneof.name}"
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            place = (*path, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, index)
            yield from message_parts(nested, place, f"{name}.{nested.name}")
    for index, enum in enumerate(message.enum_type):
        yield from enum_parts(enum, (*path, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, index))


def enum_parts(enum: EnumDescriptorProto, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Paths and names of an enum and its values."""
    yield path, enum.name
    for index, value in enumerate(enum.value):
        yield (*path, EnumDescriptorProto.VALUE_FIELD_NUMBER, index), value.name


def parts(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Paths and names of everything in a file."""
    yield (FileDescriptorProto.PACKAGE_FIELD_NUMBER,), file.name
    for index, message in enumerate(file.message_type):
        yield from message_parts(message, (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index), message.name)
    for index, enum in enumerate(file.enum_type):
        yield from enum_parts(enum, (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index))
    for index, service in enumerate(file.service):
        yield (FileDescriptorProto.SERVICE_FIELD_NUMBER, index), service.name
        for number, method in enumerate(service.method):
            yield (FileDescriptorProto.SERVICE_FIELD_NUMBER, index, 2, number), f"{service.name}.{method.name}"


def comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """Leading comments by path."""
    return {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}


def fields(file: FileDescriptorProto) -> Iterator[tuple[str, FieldDescriptorProto]]:
    """The fields of a file's messages, with the message's name."""
    for message in file.message_type:
        yield from ((message.name, field) for field in message.field)


def test_everything_is_explained_in_whole_sentences(files: list[FileDescriptorProto]) -> None:
    explained = {name: comments(file).get(path, "") for file in files for path, name in parts(file)}
    assert len(explained) > 300
    assert [name for name, comment in explained.items() if len(comment) < 10 or comment[-1] not in ".:`"] == []


def test_every_request_field_says_whether_it_is_required(files: list[FileDescriptorProto]) -> None:
    silent = []
    for file in files:
        said = comments(file)
        for number, message in enumerate(file.message_type):
            if message.name.endswith("Request"):
                paths = {(4, number, 2, index): field for index, field in enumerate(message.field)}
                # A choice is required as a whole; its members need not repeat it.
                told = {path for path in paths if re.match("Required|Optional", said[path])}
                silent += [paths[path].name for path in paths.keys() - told if not paths[path].HasField("oneof_index")]
    assert silent == []


def test_the_rpcs_are_those_promised_each_with_its_own_messages(files: list[FileDescriptorProto]) -> None:
    methods = [method for file in files for service in file.service for method in service.method]
    assert [method.name for method in methods] == RPCS
    for method in methods:
        kinds = (method.input_type, method.output_type)
        assert kinds == (f".filmgate.v1.{method.name}Request", f".filmgate.v1.{method.name}Response")
        assert method.server_streaming == (method.name == "WatchJob")
        assert method.client_streaming == (method.name == "UploadAsset")


def test_generate_video_request_has_its_numbers_for_ever(files: list[FileDescriptorProto]) -> None:
    found = {
        field.number: field.name for file in files for name, field in fields(file) if name == "GenerateVideoRequest"
    }
    assert found == dict(enumerate(REQUEST_FIELDS, start=1))


def test_tenant_comes_first_where_a_request_names_it(files: list[FileDescriptorProto]) -> None:
    numbers = {
        field.number
        for file in files
        for name, field in fields(file)
        if field.name == "tenant_name"
        if "Request" in name
    }
    assert numbers == {1}


def test_enum_values_carry_their_enums_name_and_zero_says_nothing(files: list[FileDescriptorProto]) -> None:
    for enum in (enum for file in files for enum in file.enum_type):
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper()
        assert (enum.value[0].name, enum.value[0].number) == (f"{prefix}_UNSPECIFIED", 0)
        assert [value.name for value in enum.value if not value.name.startswith(f"{prefix}_")] == []


def test_nothing_is_imported_but_protobufs_own(files: list[FileDescriptorProto]) -> None:
    ours = {file.name for file in files}
    foreign = {name for file in files for name in file.dependency} - ours
    assert {name for name in foreign if not name.startswith("google/protobuf/")} == set()
    assert {file.package for file in files} == {"filmgate.v1"}


def test_verbs_live_in_services_and_nouns_beside_them(files: list[FileDescriptorProto]) -> None:
    for file in files:
        verbs = [message.name for message in file.message_type if message.name.endswith(("Request", "Response"))]
        assert bool(file.service) == bool(verbs) == file.name.endswith("_service.proto")


def test_the_baseline_holds_the_contract_of_today_or_less(files: list[FileDescriptorProto]) -> None:
    baseline = FileDescriptorSet.FromString((PROTOS / "baseline.binpb").read_bytes())
    now = {(name, field.number, field.name) for file in files for name, field in fields(file)}
    then = {
        (name, field.number, field.name)
        for file in baseline.file
        if file.package == "filmgate.v1"
        for name, field in fields(file)
    }
    assert then
    assert then - now == set()
