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
cp "$folder/stdout" "$folder/doctor"
[ "$(grep -cE '^(ok|!!|\?\?)  ' "$folder/doctor")" -eq 23 ] || fail 'doctor does not judge all its topics'
grep -q $'\033' "$folder/doctor" && fail 'doctor colours what is not a terminal'
grep -qE '(^|[^a-z])(nan|inf)([^a-z]|$)' "$folder/doctor" && fail 'doctor prints a figure that is none'
grep -vE '^ +(remedy|undo) ' "$folder/doctor" | grep -qE '.{101}' && fail 'doctor does not wrap its words'
expect 0 doctor --brief --out "$folder/not/yet/there"
[ "$(grep -cE '^(ok|!!|\?\?)  ' "$folder/stdout")" -eq 23 ] || fail 'doctor --brief leaves topics out'
grep -qE '^ok  disk +[0-9.]+ [KMGT]iB free' "$folder/stdout" || fail 'doctor finds no disk above a folder that is not there'
grep -q 'effect' "$folder/stdout" && fail 'doctor --brief is not brief'
PATH=/nowhere expect 0 doctor --brief
grep -qE '^!!  gnuplot +missing' "$folder/stdout" || fail 'doctor does not miss gnuplot'
begin=$(date +%s%N)
expect 0 doctor --json
[ $((($(date +%s%N) - begin) / 1000000)) -lt 6000 ] || fail 'doctor takes long'
"$python" - "$folder/stdout" <<'END' || fail 'doctor --json is not what it should be'
import json, sys
def strict(word):
    raise ValueError(word)
d = json.load(open(sys.argv[1]), parse_constant=strict)
assert len(d['topics']) == 23
assert d['disturb'] == sum(t['state'] == 'disturbs' for t in d['topics'])
for t in d['topics']:
    assert t['state'] in ('ok', 'disturbs', 'unknown') and t['found'] and t['source'], t
    assert t['state'] != 'disturbs' or t['effect'] and (t['remedy'] or t['advice']), t
    assert t['state'] != 'ok' or not t['remedy'], t
    assert not t['undo'] or t['remedy'], t
assert all(isinstance(d['measured'][k], (float, int)) for k in ('timer_ns', 'jitter_p99', 'together'))
END
expect 64 doctor --out
expect 64 doctor word
expect 64 doctor --option

[ "$failures" -eq 0 ] && echo 'machine and doctor are in order'
exit $((failures > 0))
