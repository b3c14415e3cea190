#include "app/mock_plan.h"

#include <stdlib.h>

/* "250ms", "2s", or milliseconds. */
static uint64_t milliseconds(str value)
{
    uint64_t n = 0;
    if (str_ends(value, STR("ms")))
        value.len -= 2;
    else if (str_ends(value, STR("s")))
        return str_to_u64(str_first(value, value.len - 1), &n) ? n * 1000 : 0;
    return str_to_u64(value, &n) ? n : 0;
}

static unsigned number(str value)
{
    uint64_t n = 0;
    return str_to_u64(value, &n) && n < 100000000 ? (unsigned)n : 0;
}

static void apply(struct mock_plan *p, str name, str value)
{
    struct mock_options *o = &p->o;
    if (str_eq(name, STR("latency")))
        o->latency_ms = milliseconds(value);
    else if (str_eq(name, STR("ttft")))
        o->ttft_ms = milliseconds(value);
    else if (str_eq(name, STR("token-rate")))
        o->token_rate = number(value);
    else if (str_eq(name, STR("tokens")))
        o->tokens = number(value);
    else if (str_eq(name, STR("cut-after")))
        o->cut_after = number(value);
    else if (str_eq(name, STR("stall-after")))
        o->stall_after = number(value);
    else if (str_eq(name, STR("garbage")))
        o->garbage = !str_eq(value, STR("0"));
    else if (str_eq(name, STR("header-flood")))
        o->header_flood = !str_eq(value, STR("0"));
    else if (str_eq(name, STR("tool")))
        p->tool = number(value);
    else if (str_eq(name, STR("error-after")))
        o->error_after = number(value);
    else if (str_eq(name, STR("cache")))
        p->cache_hit = str_eq(value, STR("hit"));
    else if (str_eq(name, STR("numbered")))
        p->numbered = !str_eq(value, STR("0"));
    else if (str_eq(name, STR("fail"))) {
        o->fail_status = number(value);
        p->fail = o->fail_status >= 400 && o->fail_status < 600;
    }
}

void mock_plan_init(struct mock_plan *p, const struct mock_options *o, const struct headers *h,
                    double random)
{
    *p = (struct mock_plan){.o = *o};
    p->fail = o->fail_rate > 0 && random < o->fail_rate;
    if (!p->o.fail_status)
        p->o.fail_status = 500;
    if (!p->o.tokens)
        p->o.tokens = 16;
    for (unsigned i = 0; i < h->count; i++)
        if (str_starts(h->list[i].name, STR("x-mock-")))
            apply(p, str_from(h->list[i].name, sizeof("x-mock-") - 1), h->list[i].value);
}

str mock_plan_model(struct mock_plan *p, str model)
{
    ptrdiff_t mark = str_find_byte(model, '?'), other = str_find_byte(model, ';');
    size_t end = mark >= 0 ? (size_t)mark : other >= 0 ? (size_t)other : model.len;
    str wishes = str_from(model, end + 1);
    while (wishes.len) {
        ptrdiff_t at = str_find_byte(wishes, mark >= 0 ? '&' : ';');
        str wish = str_first(wishes, at >= 0 ? (size_t)at : wishes.len);
        wishes = str_from(wishes, wish.len + 1);
        str value = wish, name = str_split(&value, '=');
        apply(p, name, value);
    }
    return str_first(model, end);
}
