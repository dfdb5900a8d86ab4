#!/usr/bin/env bash
# `assay profile` of one small cell: what counts here counts, what does not says why.
set -uo pipefail
program=${1:?usage: e2e_profile.sh PROGRAM SOURCE_DIR} source=${2:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cell=cube-root-formats/gemv/f32/l2.256x512
fail() { echo "$*"; exit 1; }

how=auto
command -v valgrind >valgrind.path && how=simulated
"$program" profile $cell --threads 1 --counters $how --out out >out.txt 2>err.txt ||
    fail "exit code $?: $(cat err.txt)"
grep -q "^$cell, 1 threads: ok" out.txt || fail "the cell is missing: $(cat out.txt)"
grep -q ' roof' out.txt || fail 'there is no reading'
grep -Eq '^  cycles +[0-9]' out.txt ||
    grep -A1 -E '^  [a-z]+:.* cycles( |$)' out.txt | grep -q '^    cannot be opened: ' ||
    fail 'cycles have neither value nor reason'
[ -s out/report.html ] || fail 'there is no report'
if command -v gnuplot >/dev/null; then
    grep -q '^written: out/plots, 3 figures$' out.txt || fail 'the figures are missing'
    for kind in traffic tiers counters; do
        compgen -G "out/plots/$kind-cube-root-formats-*.svg" >/dev/null || fail "no figure of $kind"
    done
fi
/usr/bin/python3 "$source/tests/validate.py" out/profile.json
[ $? -ne 1 ] || fail 'profile.json is not as the schema says'
/usr/bin/python3 - $how <<'P' || fail 'profile.json is wrong'
import json, sys
cell, = json.load(open("out/profile.json"))["cells"]
events = {e["event"]: e for e in cell["counters"]}
assert events["task-clock"]["value"] or events["task-clock"]["reason"], events["task-clock"]
for e in events.values():
    assert (e["value"] is None) == (e["status"] not in ("ok", "unchecked")), e
    assert e["value"] is not None or e["reason"], e
tiers = {t["tier"]: t for t in cell["traffic"]}
assert tiers["modelled"]["bytes"] == 256 * 512 * 4 + 512 * 4 + 256 * 4, tiers["modelled"]
if sys.argv[1] == "simulated":
    assert tiers["simulated"]["bytes"] is not None and tiers["simulated"]["isa"], tiers["simulated"]
assert all(t["bytes"] is not None or t["reason"] for t in tiers.values())
P
"$program" profile $cell --threads 1 --counters none --no-plots --out bare >out.txt 2>err.txt ||
    fail "exit code $?: $(cat err.txt)"
[ -s bare/profile.json ] && [ ! -e bare/plots ] && [ ! -e bare/report.html ] ||
    fail '--no-plots drew, or nothing was written'

# ---- Events by name ----
events() { # events EXIT_CODE LIST COUNTERS: the profile of the list alone
    "$program" profile $cell --threads 1 --events "$2" --counters "$3" --out events >out.txt 2>err.txt
    local code=$?
    [ $code -eq "$1" ] || fail "--events '$2' --counters $3: exit code $code, not $1: $(cat err.txt)"
}
# holds NAMES SOFTWARE...: the events in order, and those that must count where they may
holds() {
    /usr/bin/python3 - "$@" <<'P' || fail 'the counters of events/profile.json are wrong'
import json, sys
cell, = json.load(open("events/profile.json"))["cells"]
got = {e["event"]: e for e in cell["counters"]}
assert list(got) == sys.argv[1].split(), (list(got), sys.argv[1])
for e in got.values():
    assert e["value"] is not None or e["reason"], e
for name in sys.argv[2:]:
    assert got[name]["status"] in ("ok", "denied"), got[name]
    assert not got[name]["hardware"], got[name]
P
}
events 0 task-clock,page-faults,context-switches auto
holds 'task-clock page-faults context-switches' task-clock page-faults context-switches
events 0 perf::TASK-CLOCK,perf::PAGE-FAULTS,PAPI_TOT_INS,PAPI_FP_OPS auto
holds 'perf::TASK-CLOCK perf::PAGE-FAULTS PAPI_TOT_INS PAPI_FP_OPS'
events 0 minor-faults,r01c2,LLC-load-misses,no-such-event,task-clock auto
holds 'minor-faults r01c2 LLC-load-misses no-such-event task-clock' task-clock
/usr/bin/python3 - <<'P' || fail 'a name that nobody knows has a value'
import json
cell, = json.load(open("events/profile.json"))["cells"]
wrong = next(e for e in cell["counters"] if e["event"] == "no-such-event")
assert wrong["status"] == "absent" and wrong["value"] is None and "no such name" in wrong["reason"], wrong
P
events 0 'cpu/event=0xc0,umask=0x00/,task-clock' auto # its comma does not end the name
holds 'cpu/event=0xc0,umask=0x00/ task-clock' task-clock
events 0 task-clock,minor-faults perf # software events alone need no PMU
holds 'task-clock minor-faults' task-clock
events 0 task-clock none
/usr/bin/python3 -c 'import json; assert not json.load(open("events/profile.json"))["cells"][0]["counters"]' ||
    fail '--counters none counts'
for list in '' , task-clock, ,task-clock task-clock,,page-faults "$(seq -s, 1 17)"; do
    events 64 "$list" auto
    grep -q -- '--events' err.txt || fail "--events '$list': $(cat err.txt)"
done

"$program" profile $cell --group nothing >out.txt 2>err.txt
[ $? -eq 64 ] || fail 'an unknown group is taken'
mkdir empty
PATH=$work/empty "$program" profile $cell --counters simulated --out out2 >out.txt 2>err.txt
[ $? -eq 69 ] || fail 'simulation without valgrind is no error'
