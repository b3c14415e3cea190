/* Dialects: any bytes as an event's data, name, or a whole answer.  The first byte chooses the endpoint;
 * a NUL ends the name.  What a dialect says lies inside what it was given. */
#include "base/check.h"
#include "llm/dialect.h"

static bool inside(str s, str whole)
{
    return str_is_null(s) || (s.ptr >= whole.ptr && s.ptr + s.len <= whole.ptr + whole.len);
}

static void check_bucket(int64_t tokens)
{
    CHECK(tokens >= -1 && tokens <= USAGE_MAX);
}

static void check_facts(const struct event_facts *f, str data)
{
    CHECK((unsigned)f->kind <= EVENT_FAILED);
    CHECK(inside(f->answer_id, data) && inside(f->finish_reason, data) && inside(f->error, data));
    check_bucket(f->usage.input);
    check_bucket(f->usage.cached);
    check_bucket(f->usage.cache_write);
    check_bucket(f->usage.output);
    check_bucket(f->usage.reasoning);
    if (f->unreadable)
        CHECK(f->kind != EVENT_END && f->kind != EVENT_USAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    str data = str_make((const char *)bytes + 1, size - 1);
    const struct dialect *d = dialect_of((enum endpoint_kind)(bytes[0] % ENDPOINT_KIND_COUNT));
    struct event_facts facts = {.kind = EVENT_OTHER};
    struct arena scratch;
    ptrdiff_t nul = str_find_byte(data, '\0');
    str name = nul < 0 ? STR_NULL : str_first(data, (size_t)nul);
    str event = nul < 0 ? data : str_from(data, (size_t)nul + 1);
    arena_init(&scratch, 0);
    if (d->event)
        d->event(name, event, &scratch, &facts);
    check_facts(&facts, event);
    facts = (struct event_facts){0};
    if (d->answer)
        d->answer(event, &scratch, &facts);
    check_facts(&facts, event);
    arena_release(&scratch);
    return 0;
}
