/* Help, from the table of commands. */
#include "app/cli.h"

enum { COLUMN = 26, LINE = 96 };

/* Text from `column` on, broken at blanks. */
static void wrapped(str text, unsigned column, struct buf *out)
{
    unsigned at = column;
    while (text.len) {
        str word = str_split(&text, ' ');
        if (at > column && at + word.len + 1 > LINE) {
            buf_printf(out, "\n%*s", (int)column, "");
            at = column;
        }
        buf_printf(out, "%s%.*s", at > column ? " " : "", STR_ARG(word));
        at += (unsigned)word.len + (at > column);
    }
    buf_add_byte(out, '\n');
}

static void two_columns(str left, const char *right, struct buf *out)
{
    buf_printf(out, "  %.*s", STR_ARG(left));
    if (left.len + 4 > COLUMN)
        buf_printf(out, "\n%*s", COLUMN, "");
    else
        buf_printf(out, "%*s", (int)(COLUMN - 2 - left.len), "");
    wrapped(str_from_c(right), COLUMN, out);
}

static void option_line(const struct cli_option *o, struct buf *out)
{
    struct buf left, right;
    buf_init(&left, 0);
    buf_init(&right, 0);
    if (o->letter)
        buf_printf(&left, "-%c, ", o->letter);
    else
        buf_add_lit(&left, "    ");
    buf_printf(&left, "--%s%s%s", o->name, o->value == CLI_FLAG ? "" : " ", cli_option_shown(o));
    buf_printf(&right, "%s%s", o->help, o->repeats ? "; may be repeated" : "");
    if (o->variable)
        buf_printf(&right, " [$%s]", o->variable);
    if (o->initial)
        buf_printf(&right, " (default: %s)", o->initial);
    buf_add_byte(&right, '\0');
    two_columns(buf_str(&left), right.failed ? o->help : right.ptr, out);
    buf_release(&left);
    buf_release(&right);
}

static void command_help(const struct cli_command_facts *f, struct buf *out)
{
    buf_printf(out, "llm-gateway %s: %s\n\nUsage: llm-gateway %s%s%s%s\n", f->name, f->summary,
               f->name, f->options->name ? " [OPTION]..." : "", *f->arguments ? " " : "",
               f->arguments);
    if (f->help) {
        buf_add_byte(out, '\n');
        wrapped(str_from_c(f->help), 0, out);
    }
    buf_add_lit(out, "\nOptions:\n");
    for (const struct cli_option *o = f->options; o->name; o++)
        option_line(o, out);
    two_columns(STR("-h, --help"), "this text", out);
}

static void overview(struct buf *out)
{
    const struct cli_command_facts *f;
    buf_add_lit(out, "llm-gateway: between applications and the providers of language models\n"
                     "\n"
                     "Usage: llm-gateway [COMMAND] [OPTION]...\n"
                     "\n"
                     "Commands:\n");
    for (unsigned i = 0; (f = cli_command_at(i)) != NULL; i++) {
        struct buf left;
        buf_init(&left, 0);
        buf_printf(&left, "%s%s%s", f->name, *f->arguments ? " " : "", f->arguments);
        if (!f->is_hidden)
            two_columns(buf_str(&left), f->summary, out);
        buf_release(&left);
    }
    buf_add_lit(out, "\n"
                     "Without a command it serves: llm-gateway -c gateway.yaml\n"
                     "More about each: llm-gateway COMMAND --help\n"
                     "\n"
                     "Exit status: 0 well, 1 a problem, 2 wrong usage.\n");
}

void cli_help(const struct cli_command_facts *f, struct buf *out)
{
    if (f)
        command_help(f, out);
    else
        overview(out);
}
