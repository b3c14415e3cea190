/* `completions`: scripts for shells, from the table of commands. */
#include "app/command.h"

/* Words of the visible commands, separated by blanks. */
static void commands(struct buf *out)
{
    const struct cli_command_facts *f;
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++)
        if (!f->is_hidden)
            buf_printf(out, "%s%s", i ? " " : "", f->name);
}

static void choices(const char *const *list, struct buf *out)
{
    for (unsigned i = 0; list && list[i]; i++)
        buf_printf(out, "%s%s", i ? " " : "", list[i]);
}

/* --- bash */

static void bash_values(const struct cli_command_facts *f, struct buf *out)
{
    for (const struct cli_option *o = f->options; o->name; o++) {
        if (o->value == CLI_FLAG)
            continue;
        buf_printf(out, "        %s:--%s", f->name, o->name);
        if (o->letter)
            buf_printf(out, "|%s:-%c", f->name, o->letter);
        buf_add_lit(out, ") ");
        if (o->value == CLI_FILE) {
            buf_add_lit(out, "COMPREPLY=($(compgen -f -- \"$word\"))");
        } else if (o->choices) {
            buf_add_lit(out, "COMPREPLY=($(compgen -W \"");
            choices(o->choices, out);
            buf_add_lit(out, "\" -- \"$word\"))");
        } else {
            buf_add_byte(out, ':');
        }
        buf_add_lit(out, "; return ;;\n");
    }
}

static void bash_words(const struct cli_command_facts *f, struct buf *out)
{
    buf_printf(out, "        %s) words=\"--help", f->name);
    for (const struct cli_option *o = f->options; o->name; o++)
        buf_printf(out, " --%s", o->name);
    if (f->argument_choices) {
        buf_add_byte(out, ' ');
        choices(f->argument_choices, out);
    } else if (f->command == CLI_HELP) {
        buf_add_byte(out, ' ');
        commands(out);
    }
    buf_add_lit(out, "\" ;;\n");
}

static void bash(struct buf *out)
{
    const struct cli_command_facts *f;
    buf_add_lit(out, "# llm-gateway: completions for bash\n"
                     "_llm_gateway() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local command=serve words\n"
                     "    case ${COMP_WORDS[1]} in\n"
                     "        -*|'') ;;\n"
                     "        *) ((COMP_CWORD > 1)) && command=${COMP_WORDS[1]} ;;\n"
                     "    esac\n"
                     "    COMPREPLY=()\n"
                     "    case $command:$before in\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++)
        if (!f->is_hidden)
            bash_values(f, out);
    buf_add_lit(out, "    esac\n"
                     "    case $command in\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++)
        if (!f->is_hidden)
            bash_words(f, out);
    buf_add_lit(out, "    esac\n"
                     "    ((COMP_CWORD == 1)) && words=\"$words --version ");
    commands(out);
    buf_add_lit(out, "\"\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                     "}\n"
                     "complete -F _llm_gateway llm-gateway\n");
}

/* --- zsh */

/* Inside '…' of a specification: quotes end it, brackets and colons separate. */
static void zsh_text(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '\'')
            buf_add_lit(out, "'\\''");
        else if (strchr("[]:\\", *text))
            buf_printf(out, "\\%c", *text);
        else
            buf_add_byte(out, *text);
    }
}

static void zsh_option(const struct cli_option *o, struct buf *out)
{
    const char *star = o->repeats ? "*" : "";
    const char *equals = o->value == CLI_FLAG ? "" : "=";
    if (o->letter)
        buf_printf(out, " \\\n            '(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name,
                   o->letter, o->value == CLI_FLAG ? "" : "+", o->name, equals);
    else
        buf_printf(out, " \\\n            '%s--%s%s[", star, o->name, equals);
    zsh_text(o->help, out);
    buf_add_byte(out, ']');
    if (o->value != CLI_FLAG) {
        buf_add_byte(out, ':');
        zsh_text(cli_option_shown(o), out);
        buf_add_byte(out, ':');
        if (o->value == CLI_FILE)
            buf_add_lit(out, "_files");
        if (o->choices) {
            buf_add_byte(out, '(');
            choices(o->choices, out);
            buf_add_byte(out, ')');
        }
    }
    buf_add_byte(out, '\'');
}

static void zsh(struct buf *out)
{
    const struct cli_command_facts *f;
    buf_add_lit(out, "#compdef llm-gateway\n"
                     "# llm-gateway: completions for zsh\n"
                     "_llm_gateway() {\n"
                     "    local -a commands=(\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        if (f->is_hidden)
            continue;
        buf_printf(out, "        '%s:", f->name);
        zsh_text(f->summary, out);
        buf_add_lit(out, "'\n");
    }
    buf_add_lit(out, "    )\n"
                     "    if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
                     "        _describe command commands\n"
                     "        return\n"
                     "    fi\n"
                     "    local command=$words[2]\n"
                     "    [[ $command == -* ]] && command=serve || { shift words; ((CURRENT--)) }\n"
                     "    case $command in\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        if (f->is_hidden)
            continue;
        buf_printf(out, "        %s) _arguments '(-h --help)'{-h,--help}'[help]'", f->name);
        for (const struct cli_option *o = f->options; o->name; o++)
            zsh_option(o, out);
        if (f->argument_choices) {
            buf_add_lit(out, " \\\n            '1:");
            zsh_text(f->arguments, out);
            buf_add_lit(out, ":(");
            choices(f->argument_choices, out);
            buf_add_lit(out, ")'");
        }
        buf_add_lit(out, " ;;\n");
    }
    buf_add_lit(out, "    esac\n"
                     "}\n"
                     "if [[ $funcstack[1] == _llm_gateway ]]; then\n"
                     "    _llm_gateway \"$@\"\n"
                     "else\n"
                     "    compdef _llm_gateway llm-gateway\n"
                     "fi\n");
}

/* --- fish */

static void fish_text(const char *text, struct buf *out)
{
    buf_add_byte(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, *text);
    }
    buf_add_byte(out, '\'');
}

static void fish_option(const struct cli_command_facts *f, const struct cli_option *o,
                        struct buf *out)
{
    buf_printf(out, "complete -c llm-gateway -n '__fish_seen_subcommand_from %s' -l %s", f->name,
               o->name);
    if (o->letter)
        buf_printf(out, " -s %c", o->letter);
    if (o->value == CLI_FILE)
        buf_add_lit(out, " -rF");
    else if (o->value != CLI_FLAG)
        buf_add_lit(out, " -x");
    if (o->choices) {
        buf_add_lit(out, " -a '");
        choices(o->choices, out);
        buf_add_byte(out, '\'');
    }
    buf_add_lit(out, " -d ");
    fish_text(o->help, out);
    buf_add_byte(out, '\n');
}

static void fish(struct buf *out)
{
    const struct cli_command_facts *f;
    buf_add_lit(out, "# llm-gateway: completions for fish\n"
                     "complete -c llm-gateway -f\n"
                     "complete -c llm-gateway -s h -l help -d 'help'\n"
                     "complete -c llm-gateway -n __fish_use_subcommand -l version -d 'version'\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        if (f->is_hidden)
            continue;
        buf_printf(out, "complete -c llm-gateway -n __fish_use_subcommand -a %s -d ", f->name);
        fish_text(f->summary, out);
        buf_add_byte(out, '\n');
        for (const struct cli_option *o = f->options; o->name; o++)
            fish_option(f, o, out);
        if (f->argument_choices) {
            buf_printf(out, "complete -c llm-gateway -n '__fish_seen_subcommand_from %s' -a '",
                       f->name);
            choices(f->argument_choices, out);
            buf_add_lit(out, "'\n");
        }
    }
}

int command_completions(struct cli *c)
{
    static const struct {
        const char *shell;
        void (*write)(struct buf *out);
    } writers[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < ARRAY_LEN(writers); i++)
        if (strcmp(writers[i].shell, c->arguments[0]) == 0)
            writers[i].write(&b);
    fwrite(b.ptr ? b.ptr : "", 1, b.len, stdout);
    int status = b.failed || fflush(stdout) ? 1 : 0;
    buf_release(&b);
    return status;
}
