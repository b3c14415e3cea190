#include "llm/json_fence.h"

enum { OPENING_MAX = 40 }; /* "```" and the name of a language */

static const str ticks = STR_INIT("```");

/* Bytes of the white space at `at` (a byte, or an escape); 0: something else. */
static size_t space_at(str s, size_t at)
{
    if (s.ptr[at] == ' ')
        return 1;
    bool escape = s.ptr[at] == '\\' && at + 1 < s.len;
    return escape && (s.ptr[at + 1] == 'n' || s.ptr[at + 1] == 'r' || s.ptr[at + 1] == 't') ? 2 : 0;
}

static size_t unit_at(str s, size_t at)
{
    return s.ptr[at] == '\\' && at + 1 < s.len ? 2 : 1;
}

/* Where the run of white space and backticks at the end begins. */
static size_t tail_of(str s)
{
    size_t tail = s.len;
    for (size_t at = 0; at < s.len;) {
        size_t step = space_at(s, at);
        bool quiet = step || s.ptr[at] == '`';
        if (!quiet)
            tail = s.len;
        else if (tail == s.len)
            tail = at;
        at += step ? step : unit_at(s, at);
    }
    return tail;
}

static bool hold(struct json_fence *f, struct arena *a, str text)
{
    char *to = (char *)f->held.ptr;
    if (text.len > f->cap) {
        f->cap = (unsigned)text.len * 2 + OPENING_MAX;
        to = arena_alloc(a, f->cap);
        if (!to) {
            f->cap = 0;
            f->held = STR_NULL;
            return false;
        }
    }
    if (text.len)
        memmove(to, text.ptr, text.len);
    f->held = str_make(to, text.len);
    return true;
}

/* What stands behind the opening fence; null: it is none; *open: that is not certain yet. */
static str behind_fence(str text, bool *open)
{
    size_t at = 0, step;
    while (at < text.len && (step = space_at(text, at)) > 0)
        at += step;
    str rest = str_from(text, at);
    *open = str_starts(ticks, str_first(rest, ticks.len)) && rest.len < ticks.len;
    if (!str_starts(rest, ticks))
        return STR_NULL;
    ptrdiff_t line = str_find(rest, STR("\\n"));
    *open = line < 0 && rest.len < OPENING_MAX;
    return line < 0 ? STR_NULL : str_from(rest, (size_t)line + 2);
}

bool json_fence_take(struct json_fence *f, struct arena *a, struct arena *scratch, struct raw piece,
                     struct raw *out)
{
    str all = piece.s;
    *out = RAW_NULL;
    if (f->held.len) {
        str pieces[] = {f->held, piece.s};
        all = arena_concat(scratch, pieces, ARRAY_LEN(pieces));
        if (str_is_null(all))
            return false;
    }
    if (f->phase == FENCE_BEGINNING) {
        bool open;
        str inside = behind_fence(all, &open);
        if (open)
            return hold(f, a, all);
        f->phase = str_is_null(inside) ? FENCE_NONE : FENCE_INSIDE;
        f->held.len = 0;
        all = str_is_null(inside) ? all : inside;
    }
    out->s = all;
    if (f->phase == FENCE_NONE)
        return true;
    size_t tail = tail_of(all);
    out->s = str_first(all, tail);
    return hold(f, a, str_from(all, tail));
}

struct raw json_fence_end(struct json_fence *f)
{
    str left = f->held;
    bool is_fence = f->phase == FENCE_INSIDE && str_find(left, ticks) >= 0;
    f->phase = FENCE_BEGINNING;
    f->held.len = 0;
    return is_fence ? RAW_NULL : (struct raw){left};
}
