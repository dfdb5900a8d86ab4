#!/usr/bin/env bash
# Every fuzz target under libFuzzer for a while: run.sh BUILD_DIR [SECONDS [NAME...]].
# BUILD_DIR was configured with -DASSAY_FUZZ=ON (the preset `fuzz`).  What is found is left in
# BUILD_DIR/found; a find that is fixed goes into tests/fuzz/corpus/NAME as a regression.
set -uo pipefail
build=$(cd "${1:?usage: run.sh BUILD_DIR [SECONDS [NAME...]]}" && pwd) || exit 1
seconds=${2:-60}
source_dir=$(cd "$(dirname "$0")" && pwd)
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- $(cd "$source_dir" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
mkdir -p "$build/found"
failures=0
for name in "$@"; do
    mkdir -p "$build/found/$name"
    log=$build/found/$name.log
    "$build/tests/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
        -close_fd_mask=1 -print_final_stats=1 -artifact_prefix="$build/found/$name-" \
        "$build/found/$name" "$source_dir/corpus/$name" 2>"$log"
    code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$name: exit code $code, ${runs:-?} inputs in $seconds s"
    [ $code -eq 0 ] || {
        grep -E 'ERROR|does not hold|SUMMARY|Test unit written' "$log"
        failures=$((failures + 1))
    }
done
exit $((failures > 0))
