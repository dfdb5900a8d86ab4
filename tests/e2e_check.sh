#!/usr/bin/env bash
# `assay check` and the worker behind it, as a user (or another program) starts them.
set -uo pipefail
program=${1:?usage: e2e_check.sh PROGRAM SOURCE_DIR} source=${2:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# run CODE NAME WORD...: the program exits with CODE; its output goes to NAME.out and NAME.err.
run() {
    local wanted=$1 name=$2 code
    shift 2
    "$program" "$@" >"$name.out" 2>"$name.err" 3>"$name.replies"
    code=$?
    if [ "$code" -ne "$wanted" ]; then
        printf 'assay %s: exit code %d, wanted %d\n' "$*" "$code" "$wanted"
        cat "$name.err"
        failures=$((failures + 1))
    fi
}

# has FILE PATTERN: one of its lines matches.
has() {
    if ! grep -qE -- "$2" "$1"; then
        printf '%s has no line like "%s":\n' "$1" "$2"
        head -5 "$1"
        failures=$((failures + 1))
    fi
}

run 0 list list techniques
first=$(cut -f1 list.out | head -1)

run 64 unknown check no-such-technique
has unknown.err "no technique 'no-such-technique'"
run 64 option check --no-such-option
has option.err 'no option --no-such-option'
run 64 seed check --seed many
run 0 help check --help
has help.out 'direction'

if [ -n "$first" ]; then
    # The verdicts are the papers' matter; that all rows are there and recorded is ours.
    "$program" check "$first" --out out --seed 3 >check.out 2>check.err
    code=$?
    [ $code -le 1 ] || { echo "check: exit code $code"; cat check.err; failures=$((failures + 1)); }
    has check.out "^$first .*(reproduced|direction|skipped|error)"
    has check.out '^written: out/check.json$'
    has check.out '^[0-9]+ rows: '
    rows=$(grep -c "^$first " check.out)
    recorded=$(grep -c '"verdict"' out/check.json)
    # one verdict for each row, and one of the technique
    [ "$recorded" -eq $((rows + 1)) ] ||
        { echo "$rows rows printed, $recorded verdicts recorded"; failures=$((failures + 1)); }
    /usr/bin/python3 "$source/tests/validate.py" out/check.json
    [ $? -ne 1 ] || failures=$((failures + 1))

    : >file
    run 73 below check "$first" --out file/below
    has below.err 'file'
fi

# The worker: hidden, and no use without a job.
run 0 verbs --help
if grep -qw worker verbs.out; then
    echo 'the help shows the worker'
    failures=$((failures + 1))
fi
run 64 words worker now
run 65 nothing worker </dev/null
run 65 torn worker <<<'{"job":'
run 64 technique worker <<<'{"job": "check", "technique": "none", "threads": 1}'
has technique.err "no technique 'none'"

[ $failures -eq 0 ] || echo "$failures failures"
exit $((failures > 0))
