#include "app/config_report.h"

#include <stdlib.h>

#include "base/buf.h"

void config_report_init(struct config_report *r)
{
    *r = (struct config_report){0};
    arena_init(&r->arena, 0);
}

void config_report_release(struct config_report *r)
{
    free(r->problems);
    arena_release(&r->arena);
    *r = (struct config_report){0};
}

static struct config_problem *problem_new(struct config_report *r)
{
    if (r->count == CONFIG_PROBLEMS_MAX) {
        r->dropped++;
        return NULL;
    }
    if (r->count == r->cap) {
        unsigned cap = r->cap ? 2 * r->cap : 16;
        struct config_problem *grown = realloc(r->problems, cap * sizeof(*grown));
        if (!grown) {
            r->no_memory = true;
            return NULL;
        }
        r->problems = grown;
        r->cap = cap;
    }
    return &r->problems[r->count];
}

void config_report_add(struct config_report *r, enum config_severity severity,
                       struct config_place place, str path, str suggestion, const char *format, ...)
{
    if (severity == CONFIG_ERROR)
        r->errors++;
    struct config_problem *p = problem_new(r);
    if (!p)
        return;
    va_list args;
    va_start(args, format);
    str what = arena_vprintf(&r->arena, format, args);
    va_end(args);
    if (str_is_null(what))
        r->no_memory = true;
    place.source = arena_str(&r->arena, place.source);
    *p = (struct config_problem){
        .severity = severity,
        .place = place,
        .path = arena_str(&r->arena, path),
        .what = what,
        .suggestion = arena_str(&r->arena, suggestion),
        .order = r->count,
    };
    r->count++;
}

static int compare(unsigned a, unsigned b)
{
    return a < b ? -1 : a > b;
}

static int problem_compare(const void *left, const void *right)
{
    const struct config_problem *a = left, *b = right;
    int order = compare(a->place.rank, b->place.rank);
    if (!order)
        order = str_cmp(a->place.source, b->place.source);
    if (!order)
        order = compare(a->place.line, b->place.line);
    if (!order)
        order = compare(a->place.column, b->place.column);
    return order ? order : compare(a->order, b->order);
}

void config_report_sort(struct config_report *r)
{
    if (r->count)
        qsort(r->problems, r->count, sizeof(*r->problems), problem_compare);
}

static void problem_write(const struct config_problem *p, struct buf *out)
{
    if (p->place.source.len)
        buf_printf(out, "%.*s:", STR_ARG(p->place.source));
    if (p->place.line)
        buf_printf(out, "%u:%u:", p->place.line, p->place.column);
    if (p->place.source.len)
        buf_add_byte(out, ' ');
    if (p->severity == CONFIG_WARNING)
        buf_add_lit(out, "warning: ");
    if (p->path.len)
        buf_printf(out, "%.*s: ", STR_ARG(p->path));
    buf_add_str(out, p->what);
    if (p->suggestion.len)
        buf_printf(out, " (did you mean %.*s?)", STR_ARG(p->suggestion));
    buf_add_byte(out, '\n');
}

void config_report_write(const struct config_report *r, struct buf *out)
{
    for (unsigned i = 0; i < r->count; i++)
        problem_write(&r->problems[i], out);
    if (r->dropped)
        buf_printf(out, "and %u more\n", r->dropped);
    if (r->no_memory)
        buf_add_lit(out, "out of memory\n");
}

void config_report_print(const struct config_report *r, FILE *out)
{
    struct buf b;
    buf_init(&b, 0);
    config_report_write(r, &b);
    fwrite(b.ptr ? b.ptr : "", 1, b.len, out);
    buf_release(&b);
}
