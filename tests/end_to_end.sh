# What the end-to-end scripts share; sourced with PROGRAM SOURCE_DIR by a script that then works in an
# empty folder of its own.  Every failure is counted.
# shellcheck shell=bash disable=SC2034 # program and source_dir are for the script
program=${1:?usage: $0 PROGRAM SOURCE_DIR}
source_dir=${2:?usage: $0 PROGRAM SOURCE_DIR}
cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect CODE WORDS COMMAND...: the exit code, and words that standard error has (one line of it).
expect() {
    local code=$1 words=$2 got
    shift 2
    "$@" >stdout 2>stderr
    got=$?
    [ "$got" -eq "$code" ] || fail "exit code $got, not $code: ${*:2}: $(tail -1 stderr)"
    [ -z "$words" ] || tail -1 stderr | grep -qF -- "$words" ||
        fail "no '$words' in '$(tail -1 stderr)': ${*:2}"
}

python=/usr/bin/python3
[ -x $python ] || python=python3
validate() {
    if $python -c 'import jsonschema' 2>/dev/null; then
        (cd "$source_dir" && $python tests/validate.py "$OLDPWD/$1") || fail "$1 breaks the schema"
    else
        echo 'python3-jsonschema is not here: the schema was not checked'
    fi
}

# The cells of a document, one a line: path, threads, status, number of samples.
cells() {
    $python - "$1" <<'PYTHON'
import json, sys
for c in json.load(open(sys.argv[1]))["cells"]:
    print(c["path"], c["threads"], c["status"].replace("degraded", "ok"), len(c["samples"]))
PYTHON
}

# member FILE EXPRESSION: of the document d.
member() {
    $python -c "import json,sys; d = json.load(open(sys.argv[1])); print($2)" "$1"
}

