#!/usr/bin/env bash
# The house rules that no compiler checks: who may include whom, who may touch which library, where the
# environment is read, and the format of the code.
set -uo pipefail
cd "${2:?usage: e2e_house.sh PROGRAM SOURCE_DIR}" || exit 1
failures=0

# forbid WHAT PATTERN FILE...: no line of these files may match.
forbid() {
    local what=$1 pattern=$2 found
    shift 2
    found=$(grep -nE "$pattern" "$@" /dev/null)
    if [ -n "$found" ]; then
        printf '%s:\n%s\n' "$what" "$found"
        failures=$((failures + 1))
    fi
}

sources() {
    find "$@" -name '*.[ch]' -o -name '*.cc' | sort
}

mapfile -t numerics < <(sources numerics)
mapfile -t datasets < <(sources datasets)
mapfile -t bench < <(sources bench)
mapfile -t analyses < <(sources analyses)
mapfile -t plots < <(sources plots)
mapfile -t cli < <(sources cli)
libraries=("${numerics[@]}" "${datasets[@]}" "${bench[@]}" "${analyses[@]}" "${plots[@]}")
all=("${libraries[@]}" "${cli[@]}")

forbid 'numerics includes only itself' '#include "(datasets|bench|analyses|plots|cli)/' "${numerics[@]}"
forbid 'datasets includes numerics and itself' '#include "(bench|analyses|plots|cli)/' "${datasets[@]}"
forbid 'bench includes datasets, numerics, itself' '#include "(analyses|plots|cli)/' "${bench[@]}"
forbid 'analyses include datasets, numerics' '#include "(bench|plots|cli)/' "${analyses[@]}"
forbid 'plots include datasets, numerics' '#include "(bench|analyses|cli)/' "${plots[@]}"

# A technique never includes another technique or its family's files, but for the check that is its own.
mapfile -t techniques < <(sources bench/{formats,quantisation,attention,decoding,architecture,training,scaling,science} 2>/dev/null)
families='formats|quantisation|attention|decoding|architecture|training|scaling|science'
for file in "${techniques[@]}"; do
    own=${file%.[ch]}
    found=$(grep -nE "#include \"bench/($families)/" "$file" | grep -vF "\"${own%_check}_check.h\"")
    [ -z "$found" ] || {
        printf '%s includes another technique:\n%s\n' "$file" "$found"
        failures=$((failures + 1))
    }
done
[ ${#techniques[@]} -eq 0 ] ||
    forbid 'a technique prints, exits or reads a clock' \
        '\b(printf|puts|exit|abort|clock_gettime|gettimeofday|clock|time)\(' "${techniques[@]}"

# only LIBRARY PATTERN ALLOWED: the library is included in one place.
only() {
    local what=$1 pattern=$2 allowed=$3 file others=()
    for file in "${all[@]}"; do
        [[ $file =~ $allowed ]] || others+=("$file")
    done
    forbid "$what belongs in $allowed" "$pattern" "${others[@]}"
}
only 'libbenchmark' '#include <benchmark/' '^bench/gbench\.cc$'
only 'PAPI' '#include <papi\.h>' '^bench/counters_papi\.c$'
only 'hwloc' '#include <hwloc' '^bench/machine\.c$'
only 'cJSON' '#include <cjson/' '^datasets/'
only 'BLAS and LAPACK' '#include <(cblas|lapacke|openblas_config)\.h>' '^numerics/'
only 'GSL' '#include <gsl/' '^numerics/'
forbid 'the environment is read in cli/' '\b(secure_)?getenv\(' "${libraries[@]}"
forbid 'libraries do not exit' '\b(exit|abort|_exit|quick_exit)\(' "${numerics[@]}" "${datasets[@]}" "${analyses[@]}" "${plots[@]}"
forbid 'numerics and datasets do not print' '(^|[^a-z_])(printf|puts|putchar|perror)\(' "${numerics[@]}" "${datasets[@]}"
forbid 'unfinished work' '\b(TODO|FIXME|XXX|HACK)\b' "${all[@]}" CMakeLists.txt cmake/*.cmake assay
forbid 'a wrong word in a message' '/(home|work|root)/[a-z]' "${all[@]}" README.md CONTRIBUTING.md

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
    mapfile -t formatted < <(sources numerics datasets bench analyses plots cli tests)
    if ! clang-format --dry-run -Werror "${formatted[@]}" >/dev/null 2>&1; then
        echo 'not formatted with .clang-format:'
        clang-format --dry-run "${formatted[@]}" 2>&1 | sed -n 's/^\([^:]*\):.*/\1/p' | sort -u
        failures=$((failures + 1))
    fi
else
    echo 'clang-format 14 is not here: the format was not checked'
fi

[ "$failures" -eq 0 ] && echo 'the house is in order'
exit $((failures > 0))
