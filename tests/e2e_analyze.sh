#!/usr/bin/env bash
# `assay analyze quant-error`, with figures and report, on our sample, a real checkpoint and bad input.
set -uo pipefail
program=${1:?usage: e2e_analyze.sh PROGRAM SOURCE_DIR} source=${2:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "$*"
    failures=$((failures + 1))
}

# run CODE NAME WORD...: the program exits with CODE; its output goes to NAME.out and NAME.err.
run() {
    local wanted=$1 name=$2 code
    shift 2
    "$program" "$@" >"$name.out" 2>"$name.err"
    code=$?
    [ "$code" -eq "$wanted" ] || fail "assay $*: exit code $code, wanted $wanted: $(cat "$name.err")"
}

# has FILE PATTERN: one of its lines matches.
has() {
    grep -qE -- "$2" "$1" || fail "$1 has no line like \"$2\": $(head -3 "$1")"
}

# one_line NAME: the error is one line that begins with the program's name.
one_line() {
    [ "$(grep -c . "$1.err")" -eq 1 ] || fail "$1: more than one line: $(cat "$1.err")"
    has "$1.err" '^assay: '
}

sample=$source/datasets/sample.safetensors
run 0 sample analyze quant-error "$sample" --out out --formats 'int4,nf4,crd-t4'
has sample.out '^nf4 +block-absmax +64 '
has sample.err 'MB/s'
/usr/bin/python3 "$source/tests/validate.py" out/analysis-quant-error.json
[ $? -ne 1 ] || fail 'the document is not valid'
if command -v gnuplot >/dev/null; then
    for figure in error heat-map weights; do
        [ -s "out/plots/$figure-quant-error.svg" ] || fail "no figure $figure"
    done
fi
[ -s out/report.html ] || fail 'no report'

# Every option at once, and its figures.
names=$(python3 -c 'import json,sys; print("\n".join(sorted({r["tensor"] for r in json.load(open(sys.argv[1]))["records"]})))' \
    out/analysis-quant-error.json)
printf 'tensor,fisher\n' >fisher.csv
while read -r name; do printf '%s,%s\n' "$name" "1e-8"; done <<<"$names" >>fisher.csv
run 0 options analyze quant-error "$sample" --out options --formats 'int4,nvfp4' --block 32,64 --search --codes \
    --allocate 4 --fisher fisher.csv
has options.out 'bits saved are predicted'
/usr/bin/python3 "$source/tests/validate.py" options/analysis-quant-error.json
[ $? -ne 1 ] || fail 'the document of every option is not valid'
if command -v gnuplot >/dev/null; then
    for figure in block-size codes allocation; do
        [ -s "options/plots/$figure-quant-error.svg" ] || fail "no figure $figure"
    done
fi
: >empty.csv
run 65 no-weight analyze quant-error "$sample" --out unwritten --allocate 4 --fisher empty.csv
one_line no-weight
run 64 no-bits analyze quant-error "$sample" --out unwritten --fisher fisher.csv
one_line no-bits

# The same input gives the same document, but for the record of the run.
run 0 again analyze quant-error "$sample" --out again --formats 'int4,nf4,crd-t4' --no-plots --threads 1
ASSAY_ISA=ref run 0 ref analyze quant-error "$sample" --out ref --formats 'int4,nf4,crd-t4' --no-plots
for other in again ref; do
    python3 - out/analysis-quant-error.json "$other/analysis-quant-error.json" <<'EOF' ||
import json, sys
a, b = (json.load(open(path)) for path in sys.argv[1:])
sys.exit(any(a[key] != b[key] for key in ("summary", "records", "input")))
EOF
        fail "$other: the numbers differ"
done
[ ! -e again/plots ] || fail '--no-plots drew'

# A locale with a decimal comma changes no byte of the numbers.
if localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" 2>/dev/null; then
    LOCPATH=$work LC_ALL=de_DE.UTF-8 run 0 comma analyze quant-error "$sample" --out comma \
        --formats 'int4,nf4,crd-t4'
    cmp <(grep -v -e '"id"' -e created -e elapsed -e '"command"' comma/analysis-quant-error.json) \
        <(grep -v -e '"id"' -e created -e elapsed -e '"command"' out/analysis-quant-error.json) ||
        fail 'the locale changed the document'
else
    echo 'no de_DE locale can be made here'
fi

# Without gnuplot the run is whole, and says what is missing.
mkdir bin
PATH=$work/bin run 0 bare analyze quant-error "$sample" --out bare --formats int4
has bare.err 'gnuplot'
[ -s bare/report.html ] || fail 'no report without gnuplot'

run 64 nothing analyze
run 64 no_file analyze quant-error
has no_file.err 'datasets/sample.safetensors'
run 64 unknown analyze quant-eror "$sample"
run 64 format analyze quant-error "$sample" --formats int4,fp3
has format.err 'fp3'
run 64 threads analyze quant-error "$sample" --threads 99999
has threads.err '--threads'
run 66 absent analyze quant-error absent.safetensors
: >file
run 73 below analyze quant-error "$sample" --out file/below --no-plots
one_line below # known before the work: no line about speed
run 0 help analyze quant-error --help
has help.out '--formats'
for name in no_file unknown format absent; do one_line $name; done

# Truncated at every length of the header's beginning, and headers that lie.
bytes=$(stat -c %s "$sample")
for n in 0 1 7 8 9 100 $((bytes - 1)); do
    head -c "$n" "$sample" >cut.safetensors
    run 65 cut analyze quant-error cut.safetensors --out cut --no-plots
    one_line cut
    has cut.err 'cut.safetensors'
done
lie() {
    printf '%s' "$2" | python3 -c '
import struct, sys
text = sys.stdin.buffer.read()
sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text + bytes(64))' >"$1.safetensors"
    run 65 "$1" analyze quant-error "$1.safetensors" --out lies --no-plots
    one_line "$1"
}
lie beyond '{"w":{"dtype":"F32","shape":[4,4],"data_offsets":[0,6400]}}'
lie shape '{"w":{"dtype":"F32","shape":[4,5],"data_offsets":[0,64]}}'
lie overflow '{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,64]}}'
lie backwards '{"w":{"dtype":"F32","shape":[4,4],"data_offsets":[64,0]}}'
lie dtype '{"w":{"dtype":"F99","shape":[4,4],"data_offsets":[0,64]}}'
lie text 'not json at all'

# A real trained checkpoint, where there is one: a fitted cube-root t beats INT4 on every matrix.
data=${ASSAY_DATA:-$source/../shared/data}
if [ -f "$data/stories260K.safetensors" ]; then
    run 0 real analyze quant-error "$data/stories260K.safetensors" --out real --no-plots \
        --scaling block-absmax --formats int4,crd-t4
    python3 - real/analysis-quant-error.json <<'EOF' || fail 'crd-t4 does not beat int4 on every matrix'
import collections, json, sys
r = collections.defaultdict(dict)
for record in json.load(open(sys.argv[1]))["records"]:
    r[record["tensor"]][record["format"]] = record["r"]
print(f"{len(r)} matrices of a trained model")
sys.exit(not r or any(f["crd-t4"] >= f["int4"] for f in r.values()))
EOF
else
    echo 'no real checkpoint here: set ASSAY_DATA to the folder that holds stories260K.safetensors'
fi

echo "$failures failures"
exit $((failures > 0))
