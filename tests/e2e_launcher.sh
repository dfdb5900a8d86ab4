#!/usr/bin/env bash
# The launcher ./assay with stand-ins for everything it starts: what it installs, builds and runs, and
# what it says when that goes wrong.  No compiler, network or package manager is touched.
set -uo pipefail
source_dir=${2:?usage: e2e_launcher.sh PROGRAM SOURCE_DIR}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# A tree whose path has blanks, and a PATH with nothing but stand-ins and the tools of a base system.
tree="$work/a b/tree"
bin=$work/bin
mkdir -p "$tree" "$bin"
cp "$source_dir/assay" "$tree/assay"
for tool in sh env dirname readlink id grep mkdir tail rm cat flock sleep chmod; do
    path=$(command -v $tool) && ln -s "$path" "$bin/$tool"
done
stand_in() {
    printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
    chmod +x "$bin/$1"
}
for tool in cc c++ pkg-config gnuplot; do stand_in $tool 'exit 0'; done
# Configuring and building work unless the tree holds a file of that name; both write a log.
# shellcheck disable=SC2016 # the stand-ins expand these
{
    stand_in cmake 'echo configure >>log
[ ! -e broken-configure ] || { echo "CMake Error: no such thing"; exit 1; }
echo "BUILD_TESTING:BOOL=OFF" >"build/$2/CMakeCache.txt"
: >"build/$2/build.ninja"'
    stand_in ninja 'cd "$2/../.." && echo "build $3" >>log
[ ! -e broken-source ] || { echo "x.c:1: error: expected"; exit 1; }
[ ! -e busy ] || echo "two builds at once" >>log
: >busy; sleep 0.3; rm busy
printf "%s\n" "#!/bin/sh" "for word; do echo \"[\$word]\"; done; exit 3" >build/release/assay
chmod +x build/release/assay'
}

# expect CODE WORDS COMMAND...: the exit code, and words in the output of it.
expect() {
    local code=$1 words=$2 got
    shift 2
    PATH=$bin "$@" >"$work/out" 2>&1
    got=$?
    [ $got -eq "$code" ] || fail "exit code $got, not $code: $*: $(cat "$work/out")"
    grep -qF -- "$words" "$work/out" || fail "no '$words' in '$(cat "$work/out")': $*"
}

# Nothing that builds is there: one command names all that is missing, and nothing is configured.
mv "$bin/cmake" "$bin/ninja" "$work"
expect 69 'missing: cmake ninja-build; install with: apt-get install cmake ninja-build' "$tree/assay" list
[ ! -e "$tree/log" ] || fail 'configured without cmake'
if [ "$(id -u)" = 0 ]; then
    stand_in apt-get 'echo "E: no network"; exit 100'
    expect 69 'E: no network' "$tree/assay" list
    rm "$bin/apt-get"
fi
mv "$work/cmake" "$work/ninja" "$bin"

# What goes wrong is shown, and mended it goes on.
: >"$tree/broken-configure"
expect 70 'CMake Error: no such thing' "$tree/assay" list
rm "$tree/broken-configure"
: >"$tree/broken-source"
expect 70 'x.c:1: error: expected' "$tree/assay" list
rm "$tree/broken-source"

# Two first starts at once build one after the other; words and exit code pass through.
rm -r "$tree/build" "$tree/log"
PATH=$bin "$tree/assay" list >/dev/null 2>&1 &
sleep 0.1
expect 3 '[two words]' "$tree/assay" list 'two words' ''
wait
grep -qx '\[\]' "$work/out" || fail 'an empty word was lost'
[ "$(grep -c configure "$tree/log")" = 1 ] || fail 'configured twice'
! grep -q 'two builds' "$tree/log" || fail 'two builds ran at once'

# From elsewhere, through links.
ln -s "$tree/assay" "$work/absolute"
ln -s absolute "$work/relative"
cd / || exit 1
expect 3 '[list]' "$work/relative" list
grep -qx 'build assay' "$tree/log" || fail 'a start does not bring the program up to date'

# A tree of somebody else's runs what they built.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$work"
    as_nobody=("$(command -v setpriv)" --reuid 65534 --clear-groups)
else
    chmod -R a-w "$tree"
    as_nobody=()
fi
if [ ${#as_nobody[@]} -gt 0 ] || [ ! -w "$tree" ]; then
    expect 3 '[list]' "${as_nobody[@]}" "$tree/assay" list
    chmod -x "$tree/build/release/assay"
    expect 73 'cannot be written to' "${as_nobody[@]}" "$tree/assay" list
fi
chmod -R u+w "$tree"

[ "$failures" -eq 0 ] && echo 'launcher: all as it should be'
exit $((failures > 0))
