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
    if (u->count == UNSUPPORTED_NOTES) {
        u->more = true;
        return;
    }
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
    u->count++;
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
        str why = arena_printf(u->arena, "%.*s is not what the target takes", STR_ARG(was));
        unsupported_refuse(u, field, why.ptr ? why.ptr : "the target takes another value");
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

static bool add_text(char *to, size_t *len, str text)
{
    if (text.len > UNSUPPORTED_TEXT - *len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        to[(*len)++] = (char)(text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? text.ptr[i] : '?');
    return true;
}

str unsupported_text(const struct unsupported *u)
{
    static const str comma = STR_INIT(", "), more = STR_INIT("and more");
    bool all = !u->more;
    size_t len = 0;
    char *text = u->notes ? arena_alloc(u->arena, UNSUPPORTED_TEXT + comma.len + more.len) : NULL;
    if (!text)
        return STR_NULL;
    for (const struct name_list *n = u->notes; n; n = n->next) {
        size_t before = len;
        if (add_text(text, &len, len ? comma : STR("")) && add_text(text, &len, n->name))
            continue;
        len = before; /* a note is there in full, or not at all */
        all = false;
    }
    if (!all) {
        str rest[] = {len ? comma : STR(""), more};
        for (unsigned i = 0; i < ARRAY_LEN(rest); i++, len += rest[i - 1].len)
            memcpy(text + len, rest[i].ptr, rest[i].len);
    }
    return str_make(text, len);
}
