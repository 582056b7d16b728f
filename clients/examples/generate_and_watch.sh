#!/usr/bin/env bash
# The same with nothing but server reflection: needs `buf` and `curl`, no Filmgate code and no protos.
# Usage: generate_and_watch.sh [host:port] ["prompt"]
set -euo pipefail

address="http://${1:-127.0.0.1:50051}"
prompt="${2:-a paper boat in the rain}"

call() { # rpc, JSON request
  buf curl --protocol grpc --http2-prior-knowledge --data "$2" "$address/filmgate.v1.VideoService/$1"
}

# The first value of a field in the answer; a JSON parser would do it better, this needs none.
field() {
  grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

call ListVideoModels '{"states": ["MODEL_STATE_LIVE", "MODEL_STATE_MOCK"]}' | grep '"id"'

request=$(printf '{"tenantName": "acme", "creativeId": "boat", "requestId": "%s", "prompt": "%s"}' \
  "$(date +%s)-$$" "${prompt//\"/\\\"}")
job=$(call GenerateVideo "$request" | field id)
echo "job $job"

call WatchJob "{\"tenantName\": \"acme\", \"jobId\": \"$job\"}"

url=$(call GetJob "{\"tenantName\": \"acme\", \"jobId\": \"$job\"}" | field url)
curl --fail --silent --show-error --output "$job.mp4" "$url"
echo "stored in $job.mp4"
