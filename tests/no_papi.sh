#!/usr/bin/env bash
# By hand: no_papi.sh [BUILD_DIR].  Where PAPI is absent at build time the program builds, and counts
# through perf_event_open: software events against known work, and hardware events where there is a PMU.
set -uo pipefail
source_dir=$(cd "$(dirname "$0")/.." && pwd)
build=$(realpath -m "${1:-$source_dir/build/no-papi}")
cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DASSAY_PAPI=OFF -DBUILD_TESTING=ON &&
    cmake --build "$build" --target assay test_counters test_counting || exit 1
program=$build/assay
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
nm -uC "$program" | grep -q PAPI_ && fail 'the program needs PAPI'
for unit in counters counting; do
    (cd "$source_dir" && "$build/tests/test_$unit" >"$work/$unit.txt" 2>&1) || fail "$(cat "$work/$unit.txt")"
done
cd "$work" || exit 1
"$program" doctor >doctor.txt 2>&1 || fail "doctor: exit code $?"
grep -qi 'perf' doctor.txt || fail 'doctor does not speak of perf'
"$program" list counters >list.txt 2>&1 || fail "list counters: exit code $?"
cell=cube-root-formats/gemv/f32/l2.256x512
"$program" bench $cell --preset smoke --no-plots --counters auto --out auto >out.txt 2>&1 || fail "bench: $(cat out.txt)"
"$program" bench $cell --preset smoke --no-plots --counters papi --out papi >out.txt 2>&1
[ $? -eq 69 ] || fail 'PAPI by name is no error without it'
grep -q 'built without PAPI' out.txt || fail 'that PAPI is absent is not said'
"$program" bench $cell --preset smoke --no-plots --counters perf --out perf >out.txt 2>&1
code=$? # 69 on a machine without a PMU
[ $code -eq 0 ] || { [ $code -eq 69 ] && grep -q 'no hardware event counts' out.txt; } || fail "--counters perf: $(cat out.txt)"
"$program" profile $cell --threads 1 --counters perf --events task-clock,page-faults,context-switches,minor-faults \
    --out profile >out.txt 2>&1 || fail "profile: $(cat out.txt)"
grep -E 'task-clock|page-faults|context-switches' out.txt
[ "$(grep -cE '^  (task-clock|page-faults|context-switches) .*gain (0\.[89]|1)' out.txt)" -eq 3 ] ||
    fail 'software events do not count known work'
"$program" profile $cell --threads 1 --out all >out.txt 2>&1 || fail "profile: $(cat out.txt)"
echo "$failures failures without PAPI"
exit $((failures > 0))
