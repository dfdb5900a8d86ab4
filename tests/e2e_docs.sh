#!/usr/bin/env bash
# `assay help`, the man page and the completions say what the program takes: each option of --help is in
# all of them, each of theirs is taken, and bash, zsh and fish complete as a user sees it.
# shellcheck disable=SC2317 # the functions FORM_options are called by name
set -uo pipefail
# shellcheck source=tests/end_to_end.sh
source "${2:?usage: e2e_docs.sh PROGRAM SOURCE_DIR}/tests/end_to_end.sh"

for form in man bash zsh fish; do
    expect 0 '' "$program" docs $form
    cp stdout assay.$form
done
expect 64 'docs takes one of' "$program" docs
expect 64 'docs takes one of' "$program" docs csh
expect 64 'docs takes one of' "$program" docs man bash

# ---- The same options everywhere ----

verbs() {
    "$program" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# Verbs, and analyses: what has options of its own.
commands() {
    verbs
    "$program" list analyses | sed 's/^\([^\t]*\).*/analyze \1/'
}

# The options of a command, sorted, each after what follows it in the help, if that is no text.
# shellcheck disable=SC2086 # a command is one word or two
help_options() {
    "$program" $1 --help | sed -n '/^Options:/,$s/^  --\([a-z-]*\).*/\1/p;$s/^  --\(help\) .*/\1/p' | sort -u
}

man_options() {
    awk -v heading=".SS assay ${1//-/\\\\-}" \
        '/^\.S[SH]/ { ours = $0 == heading } ours && tag { print } { tag = $0 == ".TP" }' assay.man |
        sed -n 's/\\-/-/g;s/^\\fB--\([a-z-]*\)\\fR.*/\1/p'
    echo help # said once for all
}

zsh_options() {
    awk -v heading="'$1')" '$1 " " $2 == heading || $1 == heading { ours = 1 } $1 == ";;" { ours = 0 } ours' \
        assay.zsh | sed -n "s/^ *'--\([a-z-]*\)[=[].*/\1/p"
}

fish_options() {
    sed -n "s/^complete -c assay -n '__assay_in $1' -l \([a-z-]*\) .*/\1/p" assay.fish
}

# bash_completes WORD...: what bash offers for the last of the words, one a line.
bash_completes() {
    bash -c 'source ./assay.bash 2>source.err && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _assay &&
             printf "%s\n" "${COMPREPLY[@]}"' bash assay "$@"
}

# shellcheck disable=SC2086
bash_options() {
    bash_completes $1 -- | sed -n 's/^--//p'
}

n_commands=0 n_options=0
while read -r command; do
    n_commands=$((n_commands + 1))
    wanted=$(help_options "$command")
    for form in man bash zsh fish; do
        got=$(${form}_options "$command" | sort)
        [ "$got" = "$wanted" ] ||
            fail "assay $command, $form: $(diff <(echo "$wanted") <(echo "$got") | grep '^[<>]' | tr '\n' ' ')"
        # shellcheck disable=SC2086
        for option in $got; do
            n_options=$((n_options + 1))
            value=$(bash_completes $command --"$option" '' | grep -v -e -- | head -n 1)
            takes=$("$program" $command --help | grep -cE "^  --$option [^ ]")
            if [ "$takes" -eq 0 ]; then
                expect 0 '' "$program" $command --"$option" --help
            else
                expect 0 '' "$program" $command --"$option" "${value:-1}" --help
            fi
        done
    done
    # shellcheck disable=SC2086
    "$program" $command --help >wanted
    # shellcheck disable=SC2086
    expect 0 '' "$program" help $command
    cmp wanted stdout || fail "assay help $command is not assay $command --help"
done < <(commands)
# Every option that takes one of several words, as --help has them: verb, option, words.
while read -r command; do
    # shellcheck disable=SC2086
    "$program" $command --help | sed -n "s/^  --\([a-z-]*\) \([a-z-]*|[a-z|-]*\).*/$command:\1:\2/p"
done < <(commands) >choices
while IFS=: read -r command option words; do
    words=${words//|/ }
    # shellcheck disable=SC2086
    [ "$(bash_completes $command --"$option" '' | paste -sd ' ')" = "$words" ] ||
        fail "bash: words of assay $command --$option"
    grep -q "'--$option=.*:($words)'" assay.zsh || fail "zsh: words of assay $command --$option"
    grep -q "__assay_in $command' -l $option -x -a '$words'" assay.fish ||
        fail "fish: words of assay $command --$option"
done <choices
[ "$(wc -l <choices)" -ge 6 ] || fail 'only these take one of several words:' "$(<choices)"
[ "$n_commands" -ge 15 ] || fail "only $n_commands commands"
[ "$n_options" -ge 200 ] || fail "only $n_options options"

for pair in 'verbs:' 'techniques:describe' 'techniques:check' 'techniques:bench' 'variants:bench' \
    'analyses:analyze' 'variants:profile'; do
    list=${pair%:*} verb=${pair#*:}
    if [ "$list" = verbs ]; then verbs; else "$program" list "$list" | cut -f 1; fi | sort >wanted
    # shellcheck disable=SC2086
    bash_completes $verb '' | sort >got
    { [ -s wanted ] && [ -z "$(comm -23 wanted got)" ]; } ||
        fail "assay $verb does not complete $(comm -23 wanted got | head -n 3)"
done
for list in $(bash_completes list ''); do
    expect 0 '' "$program" list "$list"
done

# ---- help ----

"$program" --help >wanted
expect 0 '' "$program" help
cmp wanted stdout || fail 'assay help is not assay --help'
expect 64 "no verb 'nothing'" "$program" help nothing
expect 64 "no verb 'worker'" "$program" help worker
expect 64 "no analysis 'nothing'" "$program" help analyze nothing

# ---- The man page ----

# What cli reads, and the codes that main gives.
# shellcheck disable=SC2013 # names are words
for name in $(grep -oh 'getenv("[A-Z_]*")' "$source_dir"/cli/*.c | sed 's/.*"\(.*\)".*/\1/'); do
    sed -n '/^\.SH ENVIRONMENT/,/^\.SH "EXIT/p' assay.man | grep -q "^.fB$name.fR" || fail "$name is not in the man page"
done
sed -n '/^\.SH "EXIT/,/^\.SH FILES/s/^\\fB\([0-9]*\)\\fR$/\1/p' assay.man >codes
for code in 0 1 64 65 66 69 70 71 73 74 130; do echo $code; done | diff - codes || fail 'the exit codes'
for section in NAME SYNOPSIS DESCRIPTION VERBS ENVIRONMENT '"EXIT STATUS"' FILES EXAMPLES '"SEE ALSO"'; do
    grep -qx "\.SH $section" assay.man || fail "the man page has no section $section"
done
# Every example is one that the program understands, as far as can be told without running it.
sed -n '/^\.SH EXAMPLES/,/^\.SH/{s/\\-/-/g;s/\\(aq//g;s/;.*//;s/^assay //p}' assay.man >examples
[ -s examples ] || fail 'no examples'
while read -r example; do
    read -ra words <<<"$example"
    expect 0 '' "$program" "${words[@]}" --help
done <examples
if command -v groff >/dev/null; then
    groff -ww -man -Tutf8 assay.man >page 2>warnings
    { [ -s page ] && [ ! -s warnings ]; } || fail "groff: $(head -n 3 warnings)"
else
    echo 'groff is not here: the man page was not formatted'
fi
if command -v man >/dev/null; then
    LC_ALL=C man --warnings=w -l assay.man >page 2>warnings
    { grep -q "^ASSAY(1)" page && [ ! -s warnings ]; } || fail "man: $(head -n 3 warnings)"
else
    echo 'man is not here: the man page was not shown'
fi

# ---- The completions ----

# offers 'WORD...' WORD...: what bash offers is exactly these.
offers() {
    local wanted=$1 got
    shift
    got=$(bash_completes "$@" | sort | paste -sd ' ')
    [ "$got" = "$wanted" ] || fail "bash offers '$got', not '$wanted': assay $*"
}
mkdir -p folder/below && : >file.safetensors
bash -n assay.bash || fail 'the completions of bash are no bash'
offers 'bench' be
offers '--help' --h
offers '--preset' bench --pre
offers 'full quick smoke' bench --preset ''
offers 'quick' bench --preset = q
offers 'full quick smoke' bench --preset =
offers 'counters' list co
offers '' list counters ''
offers 'folder' bench --out ''
offers 'folder/below' plot folder/
offers 'file.safetensors folder' bench --weights f
offers 'file.safetensors folder' analyze quant-error f
offers '--scale-format --scaling' analyze quant-error --sc
offers '' bench --rounds ''
offers '' doctor ''
offers '' nothing ''
[ ! -s source.err ] || fail "sourcing: $(cat source.err)"
bash -c 'source ./assay.bash && complete -p assay' >/dev/null || fail 'bash does not know of _assay'

if command -v zsh >/dev/null; then
    zsh -n assay.zsh || fail 'the completions of zsh are no zsh'
else
    echo 'zsh is not here: its completions were not parsed'
fi

# fish_offers 'WORD...' LINE: what fish offers at the end of the line.
fish_offers() {
    local got
    got=$(fish --no-config -c "source assay.fish; complete -C '$2'" 2>&1 | cut -f 1 | sort | paste -sd ' ')
    [ "$got" = "$1" ] || fail "fish offers '$got', not '$1': $2"
}
if command -v fish >/dev/null; then
    fish --no-config -n assay.fish || fail 'the completions of fish are no fish'
    ln -s "$program" assay
    PATH=$PWD:$PATH
    fish_offers 'bench' 'assay be'
    fish_offers '--preset' 'assay bench --pre'
    fish_offers 'full quick smoke' 'assay bench --preset '
    fish_offers 'counters' 'assay list co'
    fish_offers '--scale-format --scaling' 'assay analyze quant-error --sc'
    fish_offers 'folder/' 'assay bench --out fo'
else
    echo 'fish is not here: its completions were not parsed'
fi

echo "$n_commands commands, $n_options options, $failures failures"
exit $((failures > 0))
