#!/usr/bin/env bash
# An installation: the program runs without its source, others build with the libraries through pkg-config
# and CMake, and `uninstall` leaves nothing.
set -uo pipefail
program=${1:?usage: e2e_install.sh PROGRAM SOURCE_DIR} source=${2:?}
build=$(dirname "$program")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# must NAME WORD...: the command succeeds; its output goes to NAME.log.
must() {
    local name=$1
    shift
    "$@" >"$name.log" 2>&1 && return
    echo "$*: exit code $?: $(tail -n 5 "$name.log")"
    failures=$((failures + 1))
}

check() {
    "$@" && return
    echo "not true: $*"
    failures=$((failures + 1))
}

if grep -q '^ASSAY_SANITIZE:BOOL=ON' "$build/CMakeCache.txt"; then
    echo 'a consumer would have to link the sanitizers: the optimised build is the one that is installed'
    exit 77
fi
[ ! -e "$build/install_manifest.txt" ] || cp -p "$build/install_manifest.txt" kept
must install env DESTDIR="$work/stage" cmake --install "$build" --prefix /opt/tree
root=$work/stage/opt/tree
for private in "$root"/include/assay/numerics/*/*_simd.h; do check [ ! -e "$private" ]; done

# The man page and the completions are those of this program.
while read -r form file; do
    must "docs-$form" "$program" docs "$form"
    check cmp "docs-$form.log" "$root/share/$file"
done <<'EOF'
man man/man1/assay.1
bash bash-completion/completions/assay
zsh zsh/site-functions/_assay
fish fish/vendor_completions.d/assay.fish
EOF

# Moved elsewhere: nothing in the tree may know where it was built.
cp -a "$root" moved
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name assay-kernels.pc)")
# shellcheck disable=SC2046 # pkg-config prints words
must build-kernels cc -std=c11 "$source/tests/consumer/consumer.c" -o with-kernels \
    $(pkg-config --cflags --libs assay-kernels) -lm
must build-numerics cc -std=c11 -DWITH_NUMERICS "$source/tests/consumer/consumer.c" -o with-numerics \
    $(pkg-config --cflags --libs assay-numerics) -lm
must run-kernels ./with-kernels
must run-numerics ./with-numerics
check [ -z "$(ldd with-kernels | grep -E 'blas|gsl|lapack')" ]
# All of the library, not only what the consumer calls, does without BLAS and GSL.
archive=$(find "$work/moved" -name libassay_kernels.a)
must whole cc -std=c11 -I"$work/moved/include/assay" "$source/tests/consumer/consumer.c" -o whole \
    -Wl,--whole-archive "$archive" -Wl,--no-whole-archive -fopenmp -lm

must configure cmake -S "$source/tests/consumer" -B consumer -DCMAKE_PREFIX_PATH="$work/moved"
must build cmake --build consumer
must cmake-kernels consumer/with_kernels
must cmake-numerics consumer/with_numerics

# The program knows nothing of the folder it was built in.
must version moved/bin/assay --version
must list moved/bin/assay list techniques
must analyze moved/bin/assay analyze quant-error moved/share/assay/sample.safetensors --formats int4,nf4 \
    --out out
check [ -s out/report.html ]
check [ -z "$(strings -a moved/bin/assay | grep -F "$source/plots")" ]

DESTDIR=$work/stage must uninstall cmake -DBUILD="$build" -P "$source/cmake/Uninstall.cmake"
check [ -z "$(find stage -type f)" ]
check [ -z "$(find stage -name assay)" ]
[ ! -e kept ] || cp -p kept "$build/install_manifest.txt"

echo "$failures failures"
exit $((failures > 0))
