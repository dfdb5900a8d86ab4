#!/usr/bin/env bash
# `assay machine` and `assay doctor` as a user starts them: documents, tables, exit codes.
set -uo pipefail
program=$1
source=${2:?usage: e2e_machine.sh PROGRAM SOURCE_DIR}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
    echo "$*"
    failures=$((failures + 1))
}

# expect CODE WORDS...: the exit code of the program with these words.
expect() {
    local wanted=$1 got
    shift
    "$program" "$@" >"$folder/stdout" 2>"$folder/stderr"
    got=$?
    [ "$got" -eq "$wanted" ] || fail "assay $*: exit code $got, not $wanted: $(cat "$folder/stderr")"
    [ "$wanted" -eq 0 ] || [ "$(wc -l <"$folder/stderr")" -eq 1 ] || fail "assay $*: not one line of error"
}

expect 0 machine --quick --json --threads 1,max --out "$folder/results"
cp "$folder/stdout" "$folder/machine.json"
cmp -s "$folder/machine.json" "$folder/results/machine.json" || fail '--json and --out differ'
python=/usr/bin/python3
"$python" -c 'import jsonschema' 2>/dev/null || python=python3
"$python" "$source/tests/validate.py" "$folder/machine.json"
case $? in
0) ;;
77) echo 'python3-jsonschema is not here: the document was not validated' ;;
*) fail 'machine.json is not valid' ;;
esac
grep -q '"status": "complete"' "$folder/machine.json" || fail 'the run is not complete'

ASSAY_ISA=ref expect 0 machine --quick --threads 1
grep -q '^read  *DRAM  *ref  *1 ' "$folder/stdout" || fail 'no read roof of the reference in the table'
grep -qE '^(read|fma-f32) .* (avx2|avx512|vnni|neon) ' "$folder/stdout" && fail 'ASSAY_ISA=ref was not obeyed'

expect 0 machine --help
expect 64 machine --threads 0
expect 64 machine --threads 1,,2
expect 64 machine --threads 99999999
expect 64 machine --threads 1x
expect 64 machine --no-such-option
expect 64 machine word
: >"$folder/file"
expect 73 machine --quick --threads 1 --out "$folder/file/below"

expect 0 doctor
[ "$(grep -cE '^(ok|!!|\?\?)  ' "$folder/stdout")" -eq 13 ] || fail 'doctor does not judge all its topics'
expect 64 doctor word
expect 64 doctor --option

[ "$failures" -eq 0 ] && echo 'machine and doctor are in order'
exit $((failures > 0))
