#!/usr/bin/env bash
# `assay analyze scaling-law`: the example, real runs, tables as people write them, and bad ones.
set -uo pipefail
program=${1:?usage: e2e_scaling.sh PROGRAM SOURCE_DIR} source=${2:?}
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

# law CODE NAME WORD...: the same of the analysis, without figures.
law() {
    local wanted=$1 name=$2
    shift 2
    run "$wanted" "$name" analyze scaling-law "$@" --out "$name" --no-plots
}

# has FILE PATTERN: one of its lines matches.
has() {
    grep -qE -- "$2" "$1" || fail "$1 has no line like \"$2\": $(head -5 "$1")"
}

# one_line NAME: the error is one line that begins with the program's name.
one_line() {
    [ "$(grep -c . "$1.err")" -eq 1 ] || fail "$1: more than one line: $(cat "$1.err")"
    has "$1.err" '^assay: '
}

# holds NAME EXPRESSION: it is true of the document d, its summary s and its first fit f.
holds() {
    python3 - "$1/analysis-scaling-law.json" "$2" <<'EOF' || fail "$1: not so: $2"
import json, math, sys
d = json.load(open(sys.argv[1]))
s = d["summary"]
f = s["fits"][0]
near = lambda a, b, relative: abs(a - b) <= relative * abs(b)
sys.exit(not eval(sys.argv[2]))
EOF
}

# The example holds its own law, and every figure can be drawn from it.
run 0 example analyze scaling-law --out example --bootstrap 200 --loss 2.3 --inference-tokens 1e12
has example.out 'example drawn with seed 1'
has example.out 'with 1e\+12 tokens of inference'
/usr/bin/python3 "$source/tests/validate.py" example/analysis-scaling-law.json
[ $? -ne 1 ] || fail 'the document is not valid'
if command -v gnuplot >/dev/null; then
    for figure in isoflop frontier sizes ratio residuals ellipses contours demand; do
        [ -s "example/plots/$figure-scaling-law.svg" ] || fail "no figure $figure"
    done
fi
[ -s example/report.html ] || fail 'no report'
truth='dict(A=482.006, B=2085.436, E=1.816864, alpha=0.347813, beta=0.365854)'
law 0 wide --bootstrap 200 --level 0.999
holds wide "all(i['low'] <= $truth.get(i['quantity'], i['low']) <= i['high'] for i in f['intervals'])"
holds example "s['plan']['N'] < s['plan']['N_compute'] and s['plan']['D'] > s['plan']['D_compute'] and s['plan']['flops_ratio'] < 1"
holds example "s['extrapolation']['held_out']['rms'] < 0.02"
law 0 again --bootstrap 200 --loss 2.3 --inference-tokens 1e12 --threads 1
python3 - example again <<'EOF' || fail 'one thread gives other numbers'
import json, sys
a, b = (json.load(open(f"{n}/analysis-scaling-law.json")) for n in sys.argv[1:])
sys.exit(any(a[key] != b[key] for key in ("summary", "records")))
EOF

# Every law, fit and interval has its way.
law 0 shared --law shared --bootstrap 50
holds shared "'beta' not in f and f['alpha'] > 0"
law 0 lad --fit both --bootstrap 50 --interval bca
holds lad "[x['fit'] for x in s['fits']] == ['huber', 'lad']"
law 0 profile --interval profile --bootstrap 0 --holdout 0
holds profile "any(i['quantity'] == 'alpha' and i['low'] < f['alpha'] < i['high'] for i in f['intervals'])"
law 0 dollars --loss 2.3 --inference-tokens 1e12 --cost infer-price=1,output-share=0.05 --bootstrap 0
holds dollars "s['plan']['dollars'] < s['plan']['dollars_compute']"

# Tables as people write them: the same runs in two dresses, rows that cannot be used, and bits.
python3 - <<'EOF'
import math, random
draw = random.Random(3)
rows = []
for n in (3e7, 8e7, 2.1e8, 5.6e8, 1.5e9):
    for d in (1e9, 4.6e9, 2.15e10, 1e11):
        for p in (1, 2, 3, 4, 8, 16):
            loss = 9000 * (n * (1 - math.exp(-p / 3.71))) ** -.55 + 12000 * d ** -.46 + 1.9
            rows.append((n, d, p, loss * math.exp(draw.gauss(0, .002))))
with open("plain.csv", "w") as f:
    f.write("N,D,P_w,loss\n" + "".join(f"{n!r},{d!r},{p},{l!r}\n" for n, d, p, l in rows))
with open("dressed.csv", "w", encoding="utf-8-sig") as f:
    f.write("# from the cluster\r\n\"Model Size\";\"Training FLOP\";bits;Loss\r\n")
    for n, d, p, l in rows:
        f.write(f'"{int(n):_}";{6 * n * d!r};{p};{l!r}\r\n')
    f.write("1e9;;4;2.5\r\n1e9;0;4;2.5\r\n")
with open("confounded.csv", "w") as f:
    f.write("N,D,loss\n")
    for i in range(40):
        n = 10 ** (7 + i * .08)
        d = 20 * n * draw.uniform(.97, 1.03)
        f.write(f"{n},{d},{(482 * n ** -.348 + 2085 * d ** -.366 + 1.82) * math.exp(draw.gauss(0, .003))}\n")
EOF
law 0 plain plain.csv --law precision --bootstrap 200
holds plain "abs(f['gamma_w'] / 3.71 - 1) < 0.04 and abs(f['alpha'] - .55) < 0.02 and abs(f['beta'] - .46) < 0.02"
law 0 dressed dressed.csv --law precision --bootstrap 0
has dressed.out '120 used, 0 excluded, 2 that cannot be used'
has dressed.out 'line 123: no C'
has dressed.out 'line 124: C is 0'
python3 - <<'EOF' || fail 'the dress changes the fit'
import json
a, b = (json.load(open(f"{n}/analysis-scaling-law.json"))["summary"]["fits"][0] for n in ("plain", "dressed"))
raise SystemExit(abs(a["objective"] / b["objective"] - 1) > 1e-6)
EOF
run 0 figures analyze scaling-law plain.csv --law precision --bootstrap 20 --out figures
! command -v gnuplot >/dev/null || [ -s figures/plots/contours-bits-scaling-law.svg ] || fail 'no contours over bits'

# N and D that move together: words instead of digits.
law 0 confounded confounded.csv
has confounded.out 'does not tell N from D'
has confounded.out 'alpha +not determined by this table'
holds confounded "f['information']['confounded'] and f['alpha'] is None and f['beta'] is None and 'plan' not in s"

# The published replication, where its table is there: estimates to the printed digits.
data=${ASSAY_DATA:-$source/../shared/data}
if [ -f "$data/chinchilla-besiroglu.csv" ]; then
    law 0 real "$data/chinchilla-besiroglu.csv" --exclude largest:5 --fit both --bootstrap 400 \
        --budgets 6e18,1e19,3e19,6e19,1e20,3e20,6e20,1e21,3e21
    holds real "s['rows']['used'] == 240 and s['rows']['excluded'] == 5"
    holds real "near(f['objective'], 1.018274018e-3, 1e-9) and near(f['A'], 477.826, 1e-5) and near(f['B'], 2143.417, 1e-5)"
    holds real "near(f['E'], 1.817218, 1e-6) and near(f['alpha'], .3473105, 1e-6) and near(f['beta'], .3671724, 1e-6)"
    holds real "(lambda l: near(l['objective'], 1.12949465, 1e-7) and near(l['A'], 482.00605, 1e-6) and near(l['B'], 2085.43625, 1e-6) and near(l['E'], 1.81686413, 1e-7) and near(l['alpha'], .34781307, 1e-6) and near(l['beta'], .36585416, 1e-6))(s['fits'][1])"
    holds real "abs(s['isoflop']['N_line']['exponent'] - .5166) < 5e-5 and [b['n'] for b in s['isoflop']['budgets']] == [16, 23, 19, 18, 18, 16, 14, 18, 10]"
else
    echo "no $data/chinchilla-besiroglu.csv: its rows are skipped"
fi

# What is wrong is said in one line.
bad() {
    printf "$2" >"$1.csv"
    law 65 "$1" "$1.csv"
    one_line "$1"
    has "$1.err" "$1.csv.*$3"
}
bad text 'N,D,loss\n1,2,3\n1,x,3\n' "line 3, column 'D'"
bad short 'N,D,loss\n1,2\n' "line 2, column 'loss'"
bad long 'N,D,loss\n1,2,3,4\n' 'line 2, column 4'
bad quote 'N,D,loss\n1,"2,3\n' "line 2, column 'D'"
bad header '1,2,3\n4,5,6\n' 'line 1'
bad comma 'N;D;loss\n1;2;3,5\n' "line 2, column 'loss'"
bad columns 'a,b,loss\n1,2,3\n' 'parameters'
bad few 'N,D,loss\n1,2,3\n2,3,4\n' 'needs'
bad empty '' 'header'
law 66 absent absent.csv
law 64 two plain.csv dressed.csv
law 64 name plain.csv --law chinchila
law 64 rule plain.csv --exclude best:5
law 64 bits --law precision
law 64 floor --loss 1.5
has floor.err 'E = 1\.'
law 64 cost --inference-tokens 1e12 --cost price=3
law 64 level --level 1
for name in absent two name rule bits cost level; do one_line $name; done

[ "$failures" -eq 0 ]
