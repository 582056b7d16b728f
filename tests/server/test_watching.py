"""WatchJob: cut and resumed 200 times during one job, without a gap or a repeat."""

import grpc
from filmgate.v1 import job_pb2
from filmgate.v1 import video_service_pb2 as pb

from tests.conftest import Served
from tests.server.calling import Stub, refused, stub_on, wanted

CUTS = 200


def test_a_stream_cut_200_times_has_no_gap_and_no_repeat(served: Served, tenant: str) -> None:
    with grpc.insecure_channel(served.target) as channel:
        stub = stub_on(channel)
        members = [wanted("", creative_id=f"c{index}", variations=8) for index in range(1)]
        batch = pb.BatchGenerateVideosRequest(tenant_name=tenant, requests=members)
        job_id = stub.BatchGenerateVideos(batch).results[0].job.id
        seen: list[job_pb2.JobEvent] = []
        cuts = 0
        while not seen or seen[-1].kind != job_pb2.JOB_EVENT_KIND_ENDED or cuts < CUTS:
            after = seen[-1].seq if seen and seen[-1].kind != job_pb2.JOB_EVENT_KIND_ENDED else 0
            call = stub.WatchJob(pb.WatchJobRequest(tenant_name=tenant, job_id=job_id, after_event=after), timeout=60)
            event = next(call).event
            call.cancel()
            cuts += 1
            if after == 0 and seen:
                assert event == seen[0]
                continue
            seen.append(event)
        whole = [answer.event for answer in stub.WatchJob(pb.WatchJobRequest(tenant_name=tenant, job_id=job_id))]
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert whole == seen
    assert (whole[0].kind, whole[-1].kind) == (job_pb2.JOB_EVENT_KIND_ACCEPTED, job_pb2.JOB_EVENT_KIND_ENDED)
    assert whole[-1].job_state == job_pb2.JOB_STATE_SUCCEEDED


def test_an_event_beyond_the_last_is_refused(stub: Stub, tenant: str) -> None:
    job = stub.GenerateVideo(wanted(tenant)).job
    for after in (10_000, -1):
        request = pb.WatchJobRequest(tenant_name=tenant, job_id=job.id, after_event=after)
        assert refused(stub.WatchJob, request).fields == ("after_event",)


def test_a_watcher_after_the_end_gets_what_is_left_and_then_the_end(stub: Stub, tenant: str) -> None:
    job = stub.GenerateVideo(wanted(tenant, wait={"seconds": 60})).job
    request = pb.WatchJobRequest(tenant_name=tenant, job_id=job.id, after_event=job.last_event - 1)
    assert [answer.event.seq for answer in stub.WatchJob(request, timeout=10)] == [job.last_event]
    request.after_event = job.last_event
    assert list(stub.WatchJob(request, timeout=10)) == []
