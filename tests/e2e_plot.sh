#!/usr/bin/env bash
# `assay plot` and `assay report` as a user starts them, on a copy of the fixture of results.
set -uo pipefail
program=${1:?usage: e2e_plot.sh PROGRAM SOURCE_DIR} source=${2:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp -r "$source/tests/fixtures/results" "$work/results" && cd "$work" || exit 1
failures=0

# run CODE NAME WORD...: the program exits with CODE; its output goes to NAME.out and NAME.err.
run() {
    local wanted=$1 name=$2 code
    shift 2
    "$program" "$@" >"$name.out" 2>"$name.err"
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

/usr/bin/python3 "$source/tests/validate.py" results/*.json
[ $? -ne 1 ] || failures=$((failures + 1))

for verb in plot report; do
    run 64 words $verb
    run 64 more $verb results results
    run 64 option $verb results --no-such-option
    run 66 missing $verb no-such-folder
    has missing.err 'no-such-folder'
    run 0 help $verb --help
done
run 64 format plot results --format jpeg
mkdir empty damaged
run 66 empty plot empty
has empty.err 'holds no bench.json'
printf '{"schema": "assay.result/1", "kind": "check"' >damaged/check.json
run 65 damaged plot damaged
has damaged.err 'check.json'
run 65 damaged report damaged
mkdir below && cp results/check.json below && : >below/plots
run 73 below plot below
has below.err 'plots'

# Without gnuplot: the tables, the scripts, and the exit code of something that is not there.
PATH=/nonexistent run 69 tables plot results
has tables.err 'install gnuplot'
has tables.out '^llama2-7b.q_proj .*lut4_tensor_rms'
has tables.out 'order-statistic interval'
[ -s results/plots/claims.gp ] || { echo 'no script without gnuplot'; failures=$((failures + 1)); }
PATH=/nonexistent run 0 bare report results
has bare.out '^results/report.html$'
has results/report.html 'Not drawn'

if command -v gnuplot >/dev/null; then
    for format in svg png pdf; do
        run 0 draw plot results --format $format
        has draw.out '^26 figures in results/plots$'
        for script in results/plots/*.gp; do
            [ -s "${script%.gp}.$format" ] ||
                { echo "$script: no $format"; failures=$((failures + 1)); }
        done
    done
    # A user draws one again where it stands.
    (cd results/plots && rm claims.pdf && gnuplot claims.gp && [ -s claims.pdf ]) ||
        { echo 'claims.gp does not draw by itself'; failures=$((failures + 1)); }
    # One document alone, into its own place.
    for document in results/*.json; do
        run 0 alone plot "$document"
        has alone.out "^[0-9]+ figures in ${document%.json}-plots\$"
        rm -r "${document%.json}-plots"
    done
    run 0 report report results
    has results/report.html '<svg role="img"'
fi

# The page is well-formed: every element is closed, in order, and no id stands twice.
/usr/bin/python3 - results/report.html <<'PYTHON' || failures=$((failures + 1))
import html.parser
import sys

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.errors, self.tables, self.columns = [], set(), [], 0, None

    def check(self, attributes):
        for name, value in attributes:
            if name == "id":
                if value in self.ids:
                    self.errors.append(f"id {value} stands twice")
                self.ids.add(value)
            if name in ("src", "data", "action") or (name.endswith("href") and value[:1] != "#"):
                self.errors.append(f"{name}={value} leads out of the page")

    def handle_starttag(self, tag, attributes):
        self.check(attributes)
        self.tables += tag == "table"
        if tag == "tr":
            self.columns = 0
        if tag in ("td", "th"):
            self.columns += 1
        if tag == "thead":
            self.wanted = None
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.check(attributes)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"line {self.getpos()[0]}: </{tag}> closes nothing")
        if tag == "tr":
            if self.wanted not in (None, self.columns):
                self.errors.append(f"line {self.getpos()[0]}: a row of {self.columns} columns")
            self.wanted = self.columns


page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
page.close()
if page.open:
    page.errors.append(f"left open: {page.open}")
if page.tables < 20:
    page.errors.append(f"only {page.tables} tables")
print("\n".join(page.errors[:10]), end="\n" if page.errors else "")
sys.exit(bool(page.errors))
PYTHON

[ $failures -eq 0 ] || echo "$failures failures"
exit $((failures > 0))
