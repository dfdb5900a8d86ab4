#!/usr/bin/env bash
# `assay bench` as a user starts it: results, exit codes, and a run that dies and goes on.
set -uo pipefail
# shellcheck source=tests/end_to_end.sh
. "$(dirname "$0")/end_to_end.sh"

technique=$("$program" list | head -1 | cut -f1)
[ -n "$technique" ] || {
    echo 'there is no technique to measure'
    exit 77
}

# ---- A whole run ----
expect 0 '' "$program" bench --preset smoke --no-plots --out whole
grep -q 'written: whole/bench.json' stdout || fail 'where the result is was not said'
grep -q "^$technique/" stdout || fail 'no table was printed'
validate whole/bench.json
[ "$(member whole/bench.json 'd["run"]["status"]')" = complete ] || fail 'the run is not complete'
[ "$(member whole/bench.json 'min(len(c["samples"]) for c in d["cells"] if c["status"] != "skipped")')" = 1 ] ||
    fail 'a cell has no sample'
[ "$(member whole/bench.json 'd["cells"][0]["metrics"]["time"]["interval"]')" = None ] ||
    fail 'one round gave an interval'

ASSAY_ISA=ref expect 0 '' "$program" bench --preset smoke --no-plots --out ref "$technique"
own='{c["isa"] for c in d["cells"] if not c["variant"].startswith("onednn")}' # a library chooses itself
[ "$(member ref/bench.json "d['run']['isa'], $own")" = "ref {'ref'}" ] ||
    fail 'ASSAY_ISA=ref ran another instruction set'

expect 0 '' "$program" bench --dry-run --preset smoke --rounds 3 "$technique"
grep -q 'cells in .* blocks, 3 rounds: about' stdout || fail 'a dry run does not say how long'
[ ! -e results ] || fail 'a dry run wrote something'

# ---- Words that are wrong ----
expect 64 "'nonsense' matches no technique" "$program" bench nonsense
expect 64 "the nearest is '$technique'" "$program" bench "${technique}x"
expect 64 'is not of the form' "$program" bench a/b/c/d/e
expect 64 '--family' "$program" bench --family nonsense
expect 64 '--preset' "$program" bench --preset tiny
expect 64 '--threads' "$program" bench --threads 0
expect 64 '--threads' "$program" bench --threads 1,99999
expect 64 '--threads' "$program" bench --threads two
expect 64 '--min-time' "$program" bench --min-time 0
expect 64 '--min-time' "$program" bench --min-time nan
expect 64 '--rounds' "$program" bench --rounds -1
expect 64 '--rounds' "$program" bench --rounds 0
expect 64 '--timeout' "$program" bench --timeout 0
expect 64 '--counters' "$program" bench --counters magic
expect 64 '--resume needs --out' "$program" bench --resume
expect 64 'no option --nonsense' "$program" bench --nonsense
expect 66 'nowhere.safetensors' "$program" bench --weights nowhere.safetensors --out never
echo 'not a checkpoint' >bad.safetensors
expect 65 'bad.safetensors' "$program" bench --weights bad.safetensors --out never
[ ! -e never ] || fail 'a run that could not begin made its folder'

# ---- Folders ----
expect 73 '--resume' "$program" bench --preset smoke --out whole
# runs that begin at the same time, without --out: each has a folder of its own
mkdir same && cd same || exit 1
for i in 1 2 3; do
    "$program" bench --preset smoke --no-plots >out.$i 2>err.$i &
done
for i in 1 2 3; do
    wait -n || fail "one of the runs that began at the same time gave $?: $(cat err.*)"
done
cd ..
for folder in $(sed -n 's/^written: \(.*\)\/bench.json$/\1/p' same/out.*); do
    [ "$(wc -l <"same/$folder/journal.jsonl")" = "$(wc -l <whole/journal.jsonl)" ] ||
        fail "$folder was not one run's own"
done
[ "$(cat same/out.* | grep '^written' | sort -u | wc -l)" -eq 3 ] ||
    fail 'runs that began at the same time wrote to one folder'
ls -d same/results/*-3 >/dev/null || fail 'the folders are not numbered'
echo file >file
expect 73 'file' "$program" bench --preset smoke --out file/below
expect 74 'standard output' bash -c "'$program' bench --preset smoke --no-plots --out full >/dev/full"
expect 74 'standard output' bash -c "'$program' --version >/dev/full"
expect 74 'standard output' bash -c "'$program' list >&-"
# what is printed does not go into a file that got the number of a closed descriptor
expect 0 '' bash -c "'$program' bench --preset smoke --no-plots --out closed <&- 2>&-"
validate closed/bench.json
grep -q '^assay: ' closed/* && fail 'messages went into a result'
# a reader that leaves costs its output and not the run
expect 74 'standard output' bash -c "set -o pipefail; '$program' bench --preset smoke --out left | true"
[ -s left/report.html ] || fail 'a reader that left cost the report'
# a disk that is full: files can have no more than 4 KiB, and the signal for it is ignored
expect 74 'journal.jsonl' bash -c "trap '' XFSZ; ulimit -f 4; '$program' bench --preset smoke --out tiny"

# ---- Counters ----
if "$program" list counters | grep -q $'\thardware\t.*\tok'; then
    expect 0 '' "$program" bench --preset smoke --no-plots --require-counters --out counters
else
    expect 69 '' "$program" bench --preset smoke --counters papi --out counters
    expect 69 '' "$program" bench --preset smoke --require-counters --out counters
    [ ! -e counters ] || fail 'a run without its counters made its folder'
fi

# ---- A run that dies and goes on ----
long=("$program" bench --preset smoke --rounds 25 --no-plots "$technique")
expect 0 '' "${long[@]}" --out straight

wait_for_rounds() {
    for _ in $(seq 500); do
        [ -e "$1/journal.jsonl" ] && [ "$(wc -l <"$1/journal.jsonl")" -gt "$2" ] && return
        sleep 0.01
    done
    fail "$1: the run did not get to $2 rounds"
}

"${long[@]}" --out killed >/dev/null 2>&1 &
pid=$!
wait_for_rounds killed 5
expect 73 'in use' "${long[@]}" --out killed --resume
{
    kill -KILL $pid
    wait $pid
} 2>/dev/null
sleep 0.2
for process in /proc/[0-9]*; do # what was left behind would run in this folder
    [ "$(readlink "$process/cwd" 2>/dev/null)" = "$PWD" ] &&
        grep -q '^assay' "$process/comm" 2>/dev/null && fail "a child outlived its parent"
done
[ ! -e killed/bench.json ] || fail 'the run was over before it was killed'
head -n "$(wc -l <killed/journal.jsonl)" killed/journal.jsonl >before.jsonl # the whole lines
printf '{"round": 7, "torn' >>killed/journal.jsonl
expect 64 '--seed' "${long[@]}" --out killed --resume --seed 2
expect 64 "--rounds was 25 and is now 26" "${long[@]}" --rounds 26 --out killed --resume
expect 0 '' "${long[@]}" --out killed --resume
validate killed/bench.json
[ "$(cells killed/bench.json)" = "$(cells straight/bench.json)" ] ||
    fail 'a resumed run has other cells than an uninterrupted one'
head -n "$(wc -l <before.jsonl)" killed/journal.jsonl | cmp -s - before.jsonl ||
    fail 'what was measured before the run was killed has changed'
[ "$(wc -l <killed/journal.jsonl)" = "$(wc -l <straight/journal.jsonl)" ] ||
    fail 'rounds were measured twice or lost'

"${long[@]}" --out removed >/dev/null 2>stderr &
pid=$!
wait_for_rounds removed 2
rm -r removed
wait $pid
code=$?
[ $code -eq 74 ] || fail "a run whose folder was removed gave $code, not 74"
grep -q 'removed/journal.jsonl' stderr || fail 'that the folder was removed was not said'

"${long[@]}" --out stopped >stdout 2>stderr &
pid=$!
wait_for_rounds stopped 3
kill -TERM $pid
wait $pid
code=$?
[ $code -eq 130 ] || fail "a run that was asked to stop gave $code, not 130"
grep -q -- '--resume --out stopped' stderr || fail 'how to go on was not said'
[ "$(member stopped/bench.json 'd["run"]["status"]')" = interrupted ] || fail 'not marked as interrupted'
validate stopped/bench.json
expect 0 '' "${long[@]}" --out stopped --resume
[ "$(cells stopped/bench.json)" = "$(cells straight/bench.json)" ] ||
    fail 'a run that was stopped and resumed has other cells'

sed -i '3s/.*/{"round": 1, /' stopped/journal.jsonl
expect 65 'line 3' "${long[@]}" --out stopped --resume

[ "$failures" -eq 0 ] && echo 'bench: all as it should be'
exit $((failures > 0))
