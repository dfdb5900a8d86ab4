#!/usr/bin/env bash
# export, compare, shards and merge as a user starts them.
set -uo pipefail
# shellcheck source=tests/end_to_end.sh
. "$(dirname "$0")/end_to_end.sh"

smoke=("$program" bench --preset smoke --rounds 2 --no-plots)

# ---- Shards ----
expect 0 '' "${smoke[@]}" --out whole
expect 0 '' "${smoke[@]}" --shard 1/2 --out one
expect 0 '' "${smoke[@]}" --shard 2/2 --out two
validate one/bench.json
[ "$(member one/bench.json 'd["run"]["shard"]')" = 1/2 ] || fail 'a shard does not say which it is'
[ "$(cells one/bench.json | wc -l)" -lt "$(cells whole/bench.json | wc -l)" ] ||
    fail 'a shard measured everything'
expect 0 '' "$program" merge --no-plots both one two
validate both/bench.json
[ "$(cells both/bench.json)" = "$(cells whole/bench.json)" ] ||
    fail 'two shards joined have other cells than the whole'
[ "$(member both/bench.json 'd["run"]["status"]')" = complete ] || fail 'the joined run is not complete'
cp -r one copy # what stands in two of them alike counts once
expect 0 '' "$program" merge --no-plots again two one copy
[ "$(cells again/bench.json)" = "$(cells whole/bench.json)" ] || fail 'the order of shards matters'
expect 0 '' "$program" merge --no-plots half one
[ "$(member half/bench.json 'd["run"]["status"]')" = interrupted ] || fail 'half a run is called complete'
expect 0 '' "${smoke[@]}" --out half --resume
[ "$(cells half/bench.json)" = "$(cells whole/bench.json)" ] || fail 'a joined run cannot be gone on with'
expect 65 'one and whole conflict' "$program" merge bad one whole
[ ! -e bad ] || fail 'a merge that was refused made its folder'
expect 64 '--seed' "${smoke[@]}" --shard 1/2 --seed 2 --out one --resume
expect 0 '' "${smoke[@]}" --shard 2/2 --seed 2 --out other
expect 64 '--seed' "$program" merge bad one other
expect 66 'journal.jsonl' "$program" merge bad one nowhere
[ ! -e nowhere ] || fail 'a merge made an input'
expect 73 'holds a run' "$program" merge both one two
expect 64 'merge needs' "$program" merge both
for shard in 0/2 3/2 1 1/2x a/b -1/2 ' 1/2' 1/0; do
    expect 64 '--shard' "${smoke[@]}" --shard "$shard" --out never
done

# ---- Export ----
for form in google-benchmark csv markdown; do
    expect 0 '' "$program" export whole --to $form --out out.$form
    expect 0 '' "$program" export whole/bench.json --to $form
    cmp -s stdout out.$form || fail "$form: a file has other bytes than standard output"
done
[ "$(wc -l <out.csv)" = "$(($(cells whole/bench.json | awk '{n += $4 ? $4 : 1} END {print n}') + 1))" ] ||
    fail 'the table has not one row a sample'
expect 64 '--to' "$program" export whole --to yaml
expect 64 'export needs' "$program" export whole
expect 66 'nowhere' "$program" export nowhere --to csv
compare_py=/usr/share/benchmark/compare.py
if [ -e $compare_py ] && $python -c 'import scipy' 2>/dev/null; then
    expect 0 '' "$program" export both --to google-benchmark --out both.json
    expect 0 '' $python $compare_py benchmarks out.google-benchmark both.json
    grep -q "$(member whole/bench.json 'd["cells"][0]["path"]')" stdout || fail 'compare.py shows no cell'
else
    echo "$compare_py or its scipy is not here: the export was not shown to it"
fi

# ---- Compare ----
# twelve quiet rounds of the cells of a real document; in NEW one cell takes 8 % more
$python - <<'PYTHON'
import copy, json, random
d = json.load(open("whole/bench.json"))
random.seed(1)
timed = [c for c in d["cells"] if c["samples"]]
def rounds(factor):
    return [{"round": r, "process": 1, "iterations": 100, "items": 1,
             "elapsed_ns": 1e8 * factor * random.gauss(1, 0.004)} for r in range(12)]
for name, slow in (("base", None), ("new", 3)):
    for i, c in enumerate(timed):
        c["samples"] = rounds(1.08 if i == slow else 1)
    json.dump(d, open(name + ".json", "w"))
d["cells"] = [c for c in d["cells"] if c is not timed[0]]
d["machine"]["fingerprint"] = "another"
for f in d["cells"]:
    if f["fidelity"]:
        f["fidelity"][0]["value"] = 0.125
        break
json.dump(d, open("partner.json", "w"))
print(timed[3]["path"], file=open("slow", "w"))
PYTHON
expect 0 '' "$program" compare base.json base.json --out same.json
validate same.json
[ "$(member same.json 'd["summary"]["slower"] + d["summary"]["faster"]')" = 0 ] ||
    fail 'a run differs from itself'
expect 1 '1 of' "$program" compare base.json new.json --out slower.json
grep -q 'slower: 1' stdout || fail 'the slow cell is not in the table'
validate slower.json
[ "$(member slower.json '[c["path"] for c in d["cells"] if c["verdict"] == "slower"][0]')" = "$(cat slow)" ] ||
    fail 'another cell is called slower'
[ "$(member slower.json 'd["summary"]["faster"] + d["summary"]["unresolved"]')" = 0 ] ||
    fail 'there is a verdict without a cause'
expect 0 '' "$program" compare new.json base.json
expect 0 '' "$program" compare base.json new.json --margin 10
expect 1 '' "$program" compare base.json partner.json --out partner-of.json
grep -q 'without a partner: 1' stdout || fail 'a cell without a partner was dropped'
grep -q 'different machines' stdout || fail 'another machine was not said'
[ "$(member partner-of.json 'd["summary"]["changed"]')" = 1 ] || fail 'a changed error was not seen'
expect 1 '' "$program" compare base.json new.json --format markdown
grep -q '^### slower: 1' stdout || fail 'no Markdown'
expect 1 '' "$program" compare base.json new.json --format json
$python -c 'import json; json.load(open("stdout"))' || fail 'no JSON'
expect 0 '' "$program" compare whole one
grep -q 'fewer than 10 rounds' stdout || fail 'few rounds were not called so'
expect 64 'two results' "$program" compare whole
expect 64 '--margin' "$program" compare whole one --margin 0
expect 65 'kind' "$program" compare same.json base.json
echo '{' >bad.json
expect 65 'bad.json' "$program" compare bad.json base.json

# ---- Figures ----
if command -v gnuplot >/dev/null; then
    compgen -G 'slower-plots/compare*.svg' >/dev/null || fail 'a comparison was not drawn beside its document'
    expect 1 '1 of' "$program" compare base.json new.json --out bare.json --no-plots
    [ -s bare.json ] && [ ! -e bare-plots ] || fail '--no-plots drew'
    expect 1 '1 of' "$program" compare base.json new.json --out quiet.json --format json
    $python -c 'import json; json.load(open("stdout"))' || fail 'drawing spoils the JSON'
    # What is drawn does not fit, or has no place: one line, exit code 74, and the document is whole.
    fixture=$source_dir/tests/fixtures/results/bench.json
    expect 0 '' "$program" compare "$fixture" "$fixture" --out roomy.json --format json
    blocks=$(($(stat -c %s roomy.json) / 1024 + 2))
    [ "$(stat -c %s roomy-plots/compare.svg)" -gt $((blocks * 1024)) ] || fail 'the figure is too small'
    expect 74 'plots: ' bash -c "trap '' XFSZ; ulimit -f $blocks
        '$program' compare '$fixture' '$fixture' --out tight.json --format json"
    [ "$(wc -l <stderr)" = 1 ] || fail "more than one line: $(cat stderr)"
    [ "$(wc -c <tight.json)" -gt 20000 ] || fail 'the document is not whole'
    [ ! -e tight-plots/compare.svg ] || fail 'half a figure was left'
    : >blocked-plots
    expect 74 'plots: ' "$program" compare "$fixture" "$fixture" --out blocked.json
    validate blocked.json
    PATH=$PWD expect 0 '' "$program" compare "$fixture" "$fixture" --out without.json
    [ -s without.json ] || fail 'nothing was written without gnuplot'
    # The same of a folder and its report.
    blocks=$(($(stat -c %s both/bench.json) / 1024 + 2))
    expect 74 '' bash -c "trap '' XFSZ; ulimit -f $blocks; '$program' merge tight one two"
    [ "$(wc -l <stderr)" = 1 ] || fail "more than one line: $(cat stderr)"
    cmp -s tight/bench.json both/bench.json || fail 'the results did not outlive the figures'
fi

# ---- Two builds ----
# the new build is held to the reference kernels: what it has in vectors is slower, far beyond noise
cat >slow_build <<SCRIPT
#!/bin/sh
ASSAY_ISA=ref exec "$program" "\$@"
SCRIPT
chmod +x slow_build
technique=$("$program" list | head -1 | cut -f1)
live=(--preset smoke --threads 1 --min-time 0.001 --margin 3)
"$program" compare --live "$program" ./slow_build "$technique" "${live[@]}" --out live.json >stdout 2>stderr
code=$?
validate live.json
[ "$(member live.json 'd["mode"]')" = live ] || fail 'the document is not of a live comparison'
[ "$(member live.json 'd["false_alarms"]["cells"] == len(d["cells"])')" = True ] ||
    fail 'the base was not compared with itself'
grep -q 'false alarms' stdout || fail 'the rate of false alarms was not printed'
if [ "$(member whole/bench.json 'd["run"]["isa"]')" != ref ]; then
    [ $code -eq 1 ] || fail "a build without vectors gave $code, not 1: $(tail -1 stderr)"
    [ "$(member live.json 'any(c["verdict"] == "slower" and c["evidence"] == "confirmed" and c["base"]["n"] == 40 for c in d["cells"])')" = True ] ||
        fail 'no cell was found slower by 40 pairs'
fi
# a request to stop in the screening, and in the confirmation: what there is is judged
cat >stopping_build <<SCRIPT
#!/bin/sh
echo call >>calls
[ "\$(wc -l <calls)" -ne "\$(cat stop_at)" ] || kill -TERM \$PPID
exec ./slow_build "\$@"
SCRIPT
chmod +x stopping_build
blocks=$(member live.json 'len({c["path"].rsplit("/", 2)[0] + "/" + c["path"].rsplit("/", 1)[1] for c in d["cells"]})')
interrupt() {
    rm -f calls
    echo "$2" >stop_at
    expect 130 'interrupted' "$program" compare --live "$program" ./stopping_build "$technique" \
        "${live[@]}" --out stopped.json
    validate stopped.json
    grep -q "interrupted in the $1" stdout || fail "stopped in the $1, and not said"
    [ "$(member stopped.json 'd["run"]["status"], len(d["cells"])')" = \
        "interrupted $(member live.json 'len(d["cells"])')" ] || fail "stopped in the $1, and cells were lost"
    [ "$(member stopped.json 'max(c["base"]["n"] for c in d["cells"])')" -ge "$3" ] ||
        fail "stopped in the $1, and pairs were lost"
}
interrupt screening $((3 * blocks + 1)) 3
[ "$(member stopped.json 'd["summary"]["slower"] + d["summary"]["faster"]')" = 0 ] ||
    fail 'a verdict without a confirmation'
[ $code -ne 1 ] || interrupt confirmation $((12 * blocks + 9)) 2
echo 1 >stop_at
rm -f calls stopped.json
expect 130 'interrupted' "$program" compare --live ./stopping_build "$program" "$technique" "${live[@]}" --out stopped.json
expect 66 'nowhere' "$program" compare --live "$program" ./nowhere "$technique"
expect 64 'two programs' "$program" compare --live "$program"
expect 64 "matches no technique" "$program" compare --live "$program" ./slow_build nonsense

[ "$failures" -eq 0 ] && echo 'compare: all as it should be'
exit $((failures > 0))
