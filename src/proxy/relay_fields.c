#include "proxy/relay_impl.h"

#include "llm/provider.h"
#include "proxy/answer.h"

static bool is_rate_limit_field(str name)
{
    return str_starts(name, STR("x-ratelimit-")) || str_starts(name, STR("anthropic-ratelimit-"));
}

/* Fields that go to the client as they are. */
static bool is_kept(const struct header *h)
{
    static const str kept[] = {
        STR_INIT("content-language"),
        STR_INIT("last-modified"),
        STR_INIT("openai-version"),
        STR_INIT("openai-processing-ms"),
        STR_INIT("openai-model"),
        STR_INIT("apim-request-id"),
        STR_INIT("x-ms-region"),
        STR_INIT("x-ms-deployment-name"),
        STR_INIT("x-ms-client-request-id"),
    };
    switch (h->id) {
    case HEADER_CONTENT_TYPE:
    case HEADER_CONTENT_ENCODING:
    case HEADER_CONTENT_DISPOSITION:
    case HEADER_ETAG:
        return true;
    case HEADER_OTHER:
        break;
    default:
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(kept); i++)
        if (str_eq(h->name, kept[i]))
            return true;
    return false;
}

/* What the client gets of one field, in the arena.  False: nothing. */
static bool client_field(struct request *r, const struct header *h, struct header *out)
{
    str prefixed[] = {STR("x-upstream-"), h->name};
    if (is_kept(h))
        *out = (struct header){.name = arena_str(r->arena, h->name), .id = h->id};
    else if (h->id == HEADER_X_REQUEST_ID)
        *out = (struct header){.name = STR("x-upstream-request-id")};
    else if (is_rate_limit_field(h->name))
        *out = (struct header){.name = arena_concat(r->arena, prefixed, ARRAY_LEN(prefixed))};
    else
        return false;
    out->value = arena_str(r->arena, h->value);
    return !str_is_null(out->name) && !str_is_null(out->value);
}

/* The provider's wish in the standard form; some say milliseconds in a field of their own. */
static str retry_after_of(struct arena *a, const struct headers *in)
{
    static const str in_ms[] = {STR_INIT("retry-after-ms"), STR_INIT("x-amz-retry-after")};
    str wish = head_known(in, HEADER_RETRY_AFTER);
    uint64_t ms;
    for (size_t i = 0; !wish.len && i < ARRAY_LEN(in_ms); i++)
        if (str_to_u64(head_get(in, in_ms[i]), &ms))
            return arena_printf(a, "%llu", (unsigned long long)(ms / 1000 + (ms % 1000 != 0)));
    return arena_str(a, wish);
}

static str error_name_of(const struct request *r, const struct headers *in)
{
    const char *field = r->attempt->target->provider->provider->error_field;
    return field ? arena_str(r->arena, head_get(in, str_from_c(field))) : STR_NULL;
}

bool relay_copy_fields(struct request *r, struct relay *y, const struct response_head *head)
{
    const struct headers *in = &head->headers;
    y->fields = arena_alloc(r->arena, (in->count + 1) * sizeof(*y->fields));
    bool ours = r->attempt->translated; /* then type, coding and tag are not the provider's */
    for (unsigned i = 0; y->fields && i < in->count; i++)
        if ((!ours || in->list[i].id == HEADER_OTHER || in->list[i].id == HEADER_X_REQUEST_ID) &&
            client_field(r, &in->list[i], &y->fields[y->field_count]))
            y->field_count++;
    y->content_type = arena_str(r->arena, head_known(in, HEADER_CONTENT_TYPE));
    y->retry_after = retry_after_of(r->arena, in);
    y->error_name = error_name_of(r, in);
    return y->fields != NULL;
}

bool relay_type_is(str content_type, str type)
{
    return str_istarts(content_type, type) &&
           (content_type.len == type.len || content_type.ptr[type.len] == ';' ||
            content_type.ptr[type.len] == ' ');
}
