#!/bin/bash
# Run every fuzz target for SEKISHO_FUZZ_SECONDS (60) with the sanitizers.
# A crash is kept in build-asan/fuzz-crashes and named.
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh" || exit 3
export SEKISHO_FUZZ_SECONDS=${SEKISHO_FUZZ_SECONDS:-60}
packages_install build test
build_asan
exec meson test -C "$here/build-asan" --no-rebuild -t 20 --print-errorlogs --suite fuzz
