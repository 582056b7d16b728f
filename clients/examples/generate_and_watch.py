"""Ask a local Filmgate for a video, follow it, and print where the file is.

Run it next to `filmgate serve`: `python clients/examples/generate_and_watch.py "a paper boat in the rain"`.
"""

import sys

from filmgate.v1 import job_pb2
from filmgate_client import FilmgateCallError, FilmgateClient


def main(prompt: str) -> None:
    """Generate, watch, print; exits with the refusal when there is one."""
    with FilmgateClient("127.0.0.1:50051", tenant="acme") as filmgate:
        try:
            job = filmgate.generate(prompt, creative_id="boat", duration=5, aspect_ratio="16:9", max_cost="2.00")
            for event in filmgate.watch(job.id):
                print(event.seq, job_pb2.JobEventKind.Name(event.kind), f"{event.progress.fraction:.0%}")
        except FilmgateCallError as error:
            raise SystemExit(
                "\n".join([str(error), *(f"{one.field}: {one.message}" for one in error.violations)])
            ) from None
        for video in filmgate.get_job(job.id).videos:
            print(video.key, video.url)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "a paper boat in the rain")
