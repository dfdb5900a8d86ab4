#!/usr/bin/env bash
# A kernel that became 8 % slower is found in the cells that use it, and in no other:
# slowdown.sh PROGRAM SOURCE_DIR [options of compare].  The sources are copied, gemv_lut4 there computes 20 of 256 rows twice
# (7.8 %), and 'assay compare --live' looks at cells that stay in cache, where instructions bound: from
# DRAM the same kernel waits for memory and hides them.  Prints the table; takes five minutes.  Other load
# on the machine leaves cells unresolved, which is a failure here: longer samples (--min-time) help.
set -uo pipefail
usage="usage: $0 PROGRAM SOURCE_DIR [options of compare]"
set -- "$(realpath "${1:?$usage}")" "$(realpath "${2:?$usage}")" "${@:3}"
# shellcheck source=tests/end_to_end.sh
. "$(dirname "$0")/end_to_end.sh"

isa=avx2 users='gemv/lut4'
grep -qw avx512bw /proc/cpuinfo && isa=avx512 users='gemv/(lut4|int4)' # gemv_int4_avx512 calls it
grep -qw avx2 /proc/cpuinfo || {
    echo 'the kernel that is slowed needs AVX2'
    exit 77
}
export ASSAY_ISA=$isa

cp "$program" base # a build in between shall not change it
mkdir slow
tar -C "$source_dir" --exclude=./build --exclude=./.git -c . | tar -C slow -x
kernel=slow/numerics/kernels/gemv_nibble_$isa.c
sed -i "s/^void gemv_lut4_$isa(/static __attribute__((noinline)) void once(/" "$kernel"
cat >>"$kernel" <<CODE

void gemv_lut4_$isa(const struct nibble_matrix *w, const float *x, float *y, size_t row0, size_t row1)
{
    once(w, x, y, row0, row1);
    once(w, x, y, row0, row0 + (row1 - row0) * 8 / 100);
}
CODE
{ cmake -S slow -B slow/build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF &&
    cmake --build slow/build --target assay -j2; } >build.log 2>&1 || {
    tail -n 20 build.log
    exit 1
}

"$program" compare --live ./base slow/build/assay --threads 1 --out live.json \
    'cube-root-formats/gemv/*/l2.256x512' 'low-precision-floats/gemv/*/l2.256x512' \
    'quarot/fwht/*/llama2-7b.head' "${@:3}" 2>stderr
code=$?
[ $code -eq 1 ] || fail "the comparison gave $code, not 1: $(tail -1 stderr)"
validate live.json
paths() { member live.json "'\n'.join(sorted(c['path'] for c in d['cells'] if $1))"; }
slower=$(paths 'c["verdict"] == "slower"')
using=$(paths True | grep -E "$users")
[ "$slower" = "$using" ] || fail "slower are: ${slower:-none}, and the kernel is used by: $using"
[ "$(member live.json 'd["summary"]["faster"]')" = 0 ] || fail 'a cell is called faster'

[ "$failures" -eq 0 ] && echo 'the slowdown was found where it is, and nowhere else'
exit $((failures > 0))
