#include "llm/unsupported.h"

void unsupported_init(struct unsupported *u, struct arena *a, enum unsupported_policy policy)
{
    *u = (struct unsupported){.arena = a, .policy = policy};
}

static void add_note(struct unsupported *u, str note)
{
    for (const struct name_list *n = u->notes; n; n = n->next)
        if (str_eq(n->name, note))
            return;
    struct name_list *n = arena_zalloc(u->arena, sizeof(*n));
    if (!n || str_is_null(note)) {
        u->fault.err = u->fault.err ? u->fault.err : ERR_NO_MEMORY;
        return;
    }
    n->name = note;
    if (u->last)
        u->last->next = n;
    else
        u->notes = n;
    u->last = n;
}

void unsupported_refuse(struct unsupported *u, str field, const char *why)
{
    if (u->fault.err)
        return;
    u->fault = (struct chat_fault){ERR_UNSUPPORTED, field, str_from_c(why)};
}

void unsupported_field(struct unsupported *u, enum field_class class, str field, const char *why)
{
    bool refused = u->policy == UNSUPPORTED_STRICT ||
                   (u->policy == UNSUPPORTED_BY_CLASS && class == FIELD_MEANING);
    if (class == FIELD_BOOKKEEPING)
        return;
    if (refused)
        unsupported_refuse(u, field, why);
    else
        add_note(u, field);
}

void unsupported_changed(struct unsupported *u, str field, str now, str was)
{
    if (u->policy == UNSUPPORTED_STRICT) {
        str why = arena_printf(u->arena, "%.*s is out of the target's range", STR_ARG(was));
        unsupported_refuse(u, field, why.ptr ? why.ptr : "out of the target's range");
        return;
    }
    add_note(u, arena_printf(u->arena, "%.*s=%.*s (was %.*s)", STR_ARG(field), STR_ARG(now),
                             STR_ARG(was)));
}

void unsupported_note(struct unsupported *u, str note)
{
    if (u->policy == UNSUPPORTED_STRICT)
        unsupported_refuse(u, note, "would have to be changed for the target");
    else
        add_note(u, note);
}

static bool is_taken(const struct extra *e, enum native_format format, const str *taken, unsigned n)
{
    for (unsigned i = 0; e->format == format && i < n; i++)
        if (str_eq(e->name, taken[i]))
            return true;
    return false;
}

void unsupported_extras(struct unsupported *u, const struct chat *c, enum native_format format,
                        const str *taken, unsigned n)
{
    for (const struct extra *e = c->extras; e; e = e->next)
        if (!is_taken(e, format, taken, n))
            unsupported_field(u, e->class, e->name, "the target has nothing for it");
}

str unsupported_text(const struct unsupported *u)
{
    str text = STR_NULL;
    for (const struct name_list *n = u->notes; n; n = n->next)
        text = text.len ? arena_printf(u->arena, "%.*s, %.*s", STR_ARG(text), STR_ARG(n->name))
                        : n->name;
    return text;
}
