#include "proxy/cors.h"

#include "proxy/answer.h"

/* The value of access-control-allow-origin, or null. */
static str allowed_origin(const struct request *r)
{
    const struct cors_conf *cors = &r->conf->cors;
    if (!cors->origin_count)
        return STR_NULL;
    str origin = head_known(&r->ex->head->headers, HEADER_ORIGIN);
    for (unsigned i = 0; origin.len && i < cors->origin_count; i++) {
        if (str_eq(cors->origins[i], STR("*")))
            return STR("*");
        if (str_eq(cors->origins[i], origin))
            return origin;
    }
    return STR_NULL;
}

bool cors_add_fields(struct request *r, struct response_head *head)
{
    str origin = allowed_origin(r);
    if (str_is_null(origin))
        return true;
    return answer_add(r, head, STR("access-control-allow-origin"), origin) &&
           answer_add(r, head, STR("vary"), STR("origin")) &&
           answer_add(r, head, STR("access-control-expose-headers"), STR("*"));
}

bool cors_answer_preflight(struct request *r)
{
    const struct headers *asked = &r->ex->head->headers;
    if (r->ex->head->method != METHOD_OPTIONS || str_is_null(allowed_origin(r)) ||
        str_is_null(head_get(asked, STR("access-control-request-method"))))
        return false;
    str fields = head_get(asked, STR("access-control-request-headers"));
    str age = arena_printf(r->arena, "%llu", (unsigned long long)(r->conf->cors.max_age_ms / 1000));
    struct header more[] = {
        {.name = STR_INIT("access-control-allow-methods"), .value = STR_INIT("GET, POST, DELETE")},
        {.name = STR_INIT("access-control-allow-headers"),
         .value = fields.len ? fields : STR("authorization, content-type")},
        {.name = STR_INIT("access-control-max-age"), .value = age},
    };
    request_answer(r, 204, STR_NULL, STR(""), more, ARRAY_LEN(more));
    return true;
}
