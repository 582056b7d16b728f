#!/usr/bin/env bash
# Install what is missing and run the tests, or those named: scripts/run_test.sh tests/life -k cancel
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec make test ARGS="$(printf '%q ' "$@")"
