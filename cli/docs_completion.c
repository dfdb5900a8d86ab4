/*
 * Completions for bash, zsh and fish.  Names are written into the script: completing starts no
 * program.
 */
#include <stdio.h>
#include <string.h>

#include "bench/registry.h"
#include "cli/docs.h"

/* What is offered in one place. */
struct offer {
    enum word_kind kind;
    const char *choices;
};

static struct offer words_offer(const struct verb_help *help)
{
    return (struct offer){help->words, help->choices};
}

static struct offer value_offer(const struct option_row *o)
{
    const char *argument = o->argument ? o->argument : "";
    enum word_kind kind = o->kind == OPTION_CHOICE        ? WORD_CHOICE
                          : !strncmp(argument, "FILE", 4) ? WORD_FILE
                          : !strcmp(argument, "DIR")      ? WORD_DIR
                                                          : WORD_NONE;
    return (struct offer){kind, o->choices};
}

/* The rest of the words are of another kind, or there are none. */
static bool is_first_word_alone(enum word_kind kind)
{
    return kind == WORD_CHOICE || kind == WORD_ANALYSIS || kind == WORD_VERB;
}

/* How a message calls such a word. */
static const char *kind_name(enum word_kind kind)
{
    static const char *const names[] = {[WORD_NONE] = "",
                                        [WORD_CHOICE] = "word",
                                        [WORD_FILE] = "file",
                                        [WORD_DIR] = "folder",
                                        [WORD_TECHNIQUE] = "technique",
                                        [WORD_CELL] = "cell",
                                        [WORD_ANALYSIS] = "analysis",
                                        [WORD_VERB] = "verb"};
    return names[kind];
}

static void print_word(const char *word, bool *begun)
{
    printf("%s%s", *begun ? " " : "", word);
    *begun = true;
}

static void print_techniques(bool with_variants)
{
    bool begun = false;
    for (const struct registry_row *r = registry; r->technique; r++) {
        print_word(r->technique->id, &begun);
        for (const struct task *t = r->technique->tasks; with_variants && t->name; t++)
            for (const struct variant *v = t->variants; v->name; v++)
                printf(" %s/%s/%s", r->technique->id, t->name, v->name);
    }
}

/* The words of an offer that is no path, separated by blanks. */
static void print_words(struct offer offer)
{
    bool begun = false;
    if (offer.kind == WORD_CHOICE)
        for (const char *c = offer.choices; *c; c++)
            putchar(*c == '|' ? ' ' : *c);
    if (offer.kind == WORD_TECHNIQUE || offer.kind == WORD_CELL)
        print_techniques(offer.kind == WORD_CELL);
    for (const struct analysis *const *a = analyses; offer.kind == WORD_ANALYSIS && *a; a++)
        print_word((*a)->name, &begun);
    for (const struct verb *v = verbs; offer.kind == WORD_VERB && v->name; v++)
        if (v->summary)
            print_word(v->name, &begun);
}

/* Text inside single quotes: quote stands for one of them, a backslash goes before each special. */
static void print_quoted(const char *text, const char *quote, const char *special)
{
    for (; *text; text++)
        if (*text == '\'')
            printf("%s", quote);
        else
            printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
}

/* ---- bash ---- */

static void print_bash_action(struct offer offer)
{
    switch (offer.kind) {
    case WORD_NONE:
        break;
    case WORD_FILE:
        printf(" _assay_paths -f");
        break;
    case WORD_DIR:
        printf(" _assay_paths -d");
        break;
    default:
        printf(" _assay_words '");
        print_words(offer);
        printf("'");
    }
}

static void print_bash_command(const struct command *c)
{
    struct offer words = words_offer(c->help);
    printf("    '%s')\n        case $prev:$cur in\n", c->name);
    for (const struct option_row *o = c->help->options; o->name; o++)
        if (o->kind != OPTION_FLAG) {
            printf("        --%s:*)", o->name);
            print_bash_action(value_offer(o));
            printf(" ;;\n");
        }
    printf("        *:-*) _assay_words '");
    for (const struct option_row *o = c->help->options; o->name; o++)
        printf("--%s ", o->name);
    printf("--help' ;;\n        *)%s",
           is_first_word_alone(words.kind) ? " [ \"$COMP_CWORD\" -ne 2 ] ||" : "");
    print_bash_action(words);
    printf(" ;;\n        esac\n        ;;\n");
}

void docs_print_bash(void)
{
    printf("# Completions of assay for bash, written by `assay docs bash`.\n"
           "_assay_words() {\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
           "}\n\n"
           "_assay_paths() {\n"
           "    compopt -o filenames 2>/dev/null\n"
           "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
           "}\n\n"
           "_assay() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local command=${COMP_WORDS[1]}\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        _assay_words '");
    print_words((struct offer){WORD_VERB, NULL});
    printf(" --help --version'\n"
           "        return\n"
           "    fi\n"
           "    # To bash, --option=value is three words.\n"
           "    if [ \"$cur\" = = ]; then\n"
           "        cur=\n"
           "    elif [ \"$prev\" = = ]; then\n"
           "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
           "    fi\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary && v->help->words == WORD_ANALYSIS)
            printf("    if [ \"$command\" = %s ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
                   "        command+=\" ${COMP_WORDS[2]}\"\n    fi\n",
                   v->name);
    printf("    case $command in\n");
    for (struct command c = {0}; command_next(&c);)
        print_bash_command(&c);
    printf("    esac\n}\n\ncomplete -F _assay assay\n");
}

/* ---- zsh ---- */

static void print_zsh_quoted(const char *text)
{
    print_quoted(text, "'\\''", "\\[]:");
}

static void print_zsh_action(struct offer offer)
{
    switch (offer.kind) {
    case WORD_NONE:
        break;
    case WORD_FILE:
        printf("_files");
        break;
    case WORD_DIR:
        printf("_files -/");
        break;
    default:
        printf("(");
        print_words(offer);
        printf(")");
    }
}

static void print_zsh_command(const struct command *c)
{
    struct offer words = words_offer(c->help);
    printf("        '%s')\n            _arguments \\\n", c->name);
    for (const struct option_row *o = c->help->options; o->name; o++) {
        printf("                '--%s%s[", o->name, o->kind == OPTION_FLAG ? "" : "=");
        print_zsh_quoted(o->help);
        printf("]");
        if (o->kind != OPTION_FLAG) {
            printf(":");
            print_zsh_quoted(o->argument ? o->argument : o->name);
            printf(":");
            print_zsh_action(value_offer(o));
        }
        printf("' \\\n");
    }
    if (words.kind != WORD_NONE) {
        printf("                '%s:%s:", is_first_word_alone(words.kind) ? "1" : "*",
               kind_name(words.kind));
        print_zsh_action(words);
        printf("' \\\n");
    }
    printf("                '--help[what the verb does, and its options]'\n            ;;\n");
}

void docs_print_zsh(void)
{
    printf("#compdef assay\n"
           "# Completions of assay for zsh, written by `assay docs zsh`.\n"
           "_assay() {\n"
           "    local curcontext=$curcontext state line command\n"
           "    local -a verbs\n"
           "    local -A opt_args\n"
           "    _arguments -C '(- *)--help[the verbs]' '(- *)--version[the version]' \\\n"
           "        '1: :->verb' '*:: :->words'\n"
           "    case $state in\n"
           "    verb)\n"
           "        verbs=(\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary) {
            printf("            '%s:", v->name);
            print_zsh_quoted(v->summary);
            printf("'\n");
        }
    printf("        )\n"
           "        _describe verb verbs\n"
           "        ;;\n"
           "    words)\n"
           "        command=$words[1]\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary && v->help->words == WORD_ANALYSIS)
            printf("        if [[ $command = %s && $CURRENT -gt 2 ]]; then\n"
                   "            shift words\n"
                   "            ((CURRENT--))\n"
                   "            command+=\" $words[1]\"\n"
                   "        fi\n",
                   v->name);
    printf("        case $command in\n");
    for (struct command c = {0}; command_next(&c);)
        print_zsh_command(&c);
    printf("        esac\n        ;;\n    esac\n}\n\n_assay \"$@\"\n");
}

/* ---- fish ---- */

static void print_fish_text(const char *text)
{
    printf(" -d '");
    print_quoted(text, "\\'", "\\");
    printf("'");
}

static void print_fish_action(struct offer offer)
{
    switch (offer.kind) {
    case WORD_NONE:
        break;
    case WORD_FILE:
        printf(" -F");
        break;
    case WORD_DIR:
        printf(" -a '(__fish_complete_directories (commandline -ct))'");
        break;
    default:
        printf(" -a '");
        print_words(offer);
        printf("'");
    }
}

static void print_fish_command(const struct command *c)
{
    struct offer words = words_offer(c->help);
    for (const struct option_row *o = c->help->options; o->name; o++) {
        struct offer value = value_offer(o);
        printf("complete -c assay -n '__assay_in %s' -l %s%s", c->name, o->name,
               o->kind == OPTION_FLAG    ? ""
               : value.kind == WORD_FILE ? " -r"
                                         : " -x");
        print_fish_action(value);
        print_fish_text(o->help);
        printf("\n");
    }
    printf("complete -c assay -n '__assay_in %s' -l help", c->name);
    print_fish_text("what the verb does, and its options");
    printf("\n");
    if (words.kind != WORD_NONE) {
        printf("complete -c assay -n '__assay_%s %s'",
               is_first_word_alone(words.kind) ? "after" : "in", c->name);
        print_fish_action(words);
        printf("\n");
    }
}

void docs_print_fish(void)
{
    printf("# Completions of assay for fish, written by `assay docs fish`.\n"
           "# The words before the cursor begin with these.\n"
           "function __assay_in\n"
           "    set -l words (commandline -opc)\n"
           "    set -l n (count $argv)\n"
           "    set -e words[1]\n"
           "    test (count $words) -ge $n\n"
           "    and test \"$words[1..$n]\" = \"$argv\"\n"
           "end\n\n"
           "# The words before the cursor are these and no others.\n"
           "function __assay_after\n"
           "    set -l words (commandline -opc)\n"
           "    set -e words[1]\n"
           "    test \"$words\" = \"$argv\"\n"
           "end\n\n"
           "complete -c assay -f\n"
           "complete -c assay -n __assay_after -l help -d 'the verbs'\n"
           "complete -c assay -n __assay_after -l version -d 'the version'\n");
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary) {
            printf("complete -c assay -n __assay_after -a %s", v->name);
            print_fish_text(v->summary);
            printf("\n");
        }
    for (struct command c = {0}; command_next(&c);)
        print_fish_command(&c);
}
