/* docs/options.md, from the tables: it cannot fall behind them. */
#include "app/config.h"

#include "app/option_tables/tables.h"
#include "base/option.h"

static void bound(const struct option *o, uint64_t value, struct buf *out)
{
    option_number_format(o, value, out);
}

static void value_column(const struct option *o, struct buf *out)
{
    if (o->type == OPTION_SECTION) {
        buf_add_lit(out, "section, below");
        return;
    }
    option_describe(o, out);
    bool is_number = o->type == OPTION_UINT || o->type == OPTION_SIZE ||
                     o->type == OPTION_DURATION || o->type == OPTION_PERCENT;
    if (is_number && o->max) {
        buf_add_lit(out, "; ");
        bound(o, o->min, out);
        buf_add_lit(out, " to ");
        bound(o, o->max, out);
    }
}

static void default_column(const struct option *o, struct buf *out)
{
    if (o->flags & OPTION_REQUIRED)
        buf_add_lit(out, "required");
    else if (o->initial)
        buf_printf(out, "`%s`", o->initial);
}

static void rows_write(const struct option_table *t, struct buf *out)
{
    buf_add_lit(out, "| Option | Value | Default | |\n|---|---|---|---|\n");
    for (const struct option *o = t->rows; o->name; o++) {
        if (o->flags & OPTION_LATER)
            continue;
        buf_printf(out, "| `%s` | ", o->name);
        value_column(o, out);
        buf_add_lit(out, " | ");
        default_column(o, out);
        buf_printf(out, " | %s%s%s |\n", o->help, o->flags & OPTION_SECRET ? " Never shown." : "",
                   o->flags & OPTION_RESTART ? " A change needs a restart." : "");
    }
    buf_add_byte(out, '\n');
}

static void table_write(const struct option_table *t, str path, const char *help, struct buf *out)
{
    if (path.len)
        buf_printf(out, "## `%.*s`\n\n%s\n\n", STR_ARG(path), help);
    if (t->short_form)
        buf_printf(out, "Short form: `%s`.\n\n", t->short_form);
    rows_write(t, out);
    for (const struct option *o = t->rows; o->name; o++) {
        if (!o->table || o->flags & OPTION_LATER)
            continue;
        struct buf below;
        buf_init(&below, 0);
        buf_printf(&below, "%.*s%s%s%s", STR_ARG(path), path.len ? "." : "", o->name,
                   o->type == OPTION_MAP    ? ".<name>"
                   : o->type == OPTION_LIST ? "[]"
                                            : "");
        table_write(o->table, buf_str(&below), o->help, out);
        buf_release(&below);
    }
}

void config_docs(struct buf *out)
{
    buf_add_lit(out,
                "# Options\n"
                "\n"
                "Every option of the configuration file. This page is generated from the program's "
                "own tables (`tools/gen-docs`).\n"
                "\n"
                "The file is YAML 1.2, so JSON too. It is looked for at `-c FILE`, "
                "`$LLM_GATEWAY_CONFIG`, `./llm-gateway.yaml`, "
                "`$XDG_CONFIG_HOME/llm-gateway/config.yaml` and `/etc/llm-gateway/config.yaml`. "
                "`llm-gateway check` names every problem in it, `llm-gateway check --print` shows "
                "what is in effect.\n"
                "\n"
                "* Command line over environment over file over defaults: "
                "`--set server.max_body=10MiB`, `LLM_GATEWAY__SERVER__MAX_BODY=10MiB`. Names with "
                "dots are quoted: `--set 'models.\"gpt-4.1\".strategy=weighted'`; in variables "
                "every mark of a name is an underscore: `LLM_GATEWAY__PROVIDERS__AZURE_EU__TYPE`. "
                "Elements of lists: `targets[0]`, `__TARGETS__0__`. A value in `[…]`, "
                "`{…}` or quotes is read as YAML.\n"
                "* Inside values: `${VARIABLE}`, `${VARIABLE:-default}` (also when it is empty), "
                "`${file:/path}` (without the line's end). `$${` is a literal `${`.\n"
                "* Durations are written `250ms`, `2s`, `5m`, `1h`; sizes `512`, `64KiB`, `10MiB`, "
                "`1GiB`. An option without a value (`name:`, `~`, `null`) counts as not written.\n"
                "\n");
    table_write(&table_gateway, STR_NULL, "", out);
    while (out->len > 1 && out->ptr[out->len - 1] == '\n' && out->ptr[out->len - 2] == '\n')
        out->len--;
}
