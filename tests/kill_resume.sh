#!/usr/bin/env bash
# A run is killed at random moments and resumed, until it is done: kill_resume.sh PROGRAM [KILLS [SEED]].
# Nothing that was measured may be lost or change, and the end is that of a run left alone.
set -uo pipefail
program=$(realpath "${1:?usage: kill_resume.sh PROGRAM [KILLS [SEED]]}") || exit 1
kills=${2:-200}
RANDOM=${3:-1}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
technique=$("$program" list | head -1 | cut -f1)
run=("$program" bench --preset smoke --rounds 25 --no-plots "$technique" --out)

fail() {
    echo "FAILED: $* (kill $killed of $kills)"
    exit 1
}

# Paths, statuses and numbers of samples: what a resumed run shares with one left alone.
cells() {
    python3 - "$1/bench.json" <<'PYTHON'
import json, sys
for c in json.load(open(sys.argv[1]))["cells"]:
    print(c["path"], c["threads"], c["status"].replace("degraded", "ok"), len(c["samples"]))
PYTHON
}

killed=0
"${run[@]}" straight >/dev/null 2>stderr || fail "$(tail -1 stderr)"
folder=0
while [ "$killed" -lt "$kills" ]; do
    folder=$((folder + 1))
    : >before
    while :; do # one run, killed again and again until it gets to its end
        "${run[@]}" "run$folder" --resume >/dev/null 2>stderr &
        pid=$!
        [ "$killed" -lt "$kills" ] && {
            sleep "0.$(printf %03d $((RANDOM % 400)))"
            kill -KILL $pid 2>/dev/null
        }
        { wait $pid; } 2>/dev/null
        code=$?
        journal=run$folder/journal.jsonl
        { [ ! -e "$journal" ] || head -c "$(stat -c %s before)" "$journal"; } | cmp -s - before ||
            fail 'a line that was there before has changed'
        [ $code -eq 0 ] && break
        [ $code -eq 137 ] || fail "exit code $code: $(tail -1 stderr)"
        killed=$((killed + 1))
        [ ! -e "$journal" ] || head -n "$(wc -l <"$journal")" "$journal" >before
    done
    [ "$(cells "run$folder")" = "$(cells straight)" ] || fail 'other cells than a run left alone'
    [ "$(wc -l <"$journal")" = "$(wc -l <straight/journal.jsonl)" ] ||
        fail 'rounds were measured twice or lost'
    ls "run$folder" | grep -q '\.part$' && echo "run$folder: a temporary file of a kill was left"
    rm -rf "run$folder"
done
echo "$killed kills, $folder runs: nothing lost"
