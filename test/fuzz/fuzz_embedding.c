/* Embeddings: any JSON as a request of a client, which then goes to every provider that takes it, and any
 * bytes as a provider's answer, which then goes to every client.  The first byte chooses the endpoint. */
#include "base/check.h"
#include "llm/embedding.h"
#include "llm/provider_conf.h"

static const enum endpoint_kind kinds[] = {
    ENDPOINT_EMBEDDINGS, ENDPOINT_EMBED,        ENDPOINT_EMBED_BATCH,
    ENDPOINT_PREDICT,    ENDPOINT_OLLAMA_EMBED, ENDPOINT_INVOKE,
};

static void check_json(str text)
{
    struct arena arena = {0};
    struct json_doc doc;
    CHECK(json_parse(&doc, &arena, text, NULL) == ERR_NONE);
    arena_release(&arena);
}

static void write_calls(const struct embedding_request *r, enum endpoint_kind kind,
                        struct arena *arena)
{
    const struct embedding_format *f = embedding_format_of(kind);
    struct provider_conf conf = {0};
    struct unsupported unsupported;
    struct embedding_call *calls;
    unsigned count, next = 0;
    unsupported_init(&unsupported, arena, UNSUPPORTED_REPORT);
    struct chat_target t = {.model = STR("cohere.embed-v4:0"),
                            .facts = &model_facts_unknown,
                            .conf = &conf,
                            .kind = kind,
                            .arena = arena,
                            .unsupported = &unsupported};
    CHECK(embedding_calls(f, r, &t, &calls, &count));
    for (unsigned i = 0; i < count; i++) {
        struct buf out;
        buf_init(&out, 0);
        CHECK(calls[i].first == next && calls[i].count > 0);
        next += calls[i].count;
        if (f->write_request(r, &calls[i], &t, &out))
            check_json(buf_str(&out));
        else
            CHECK(unsupported.fault.err);
        buf_release(&out);
    }
    CHECK(next == r->count);
}

static void as_request(str data, enum endpoint_kind kind)
{
    struct arena arena = {0};
    struct json_doc doc;
    struct json_options object = {.root_object = true};
    const struct embedding_format *f = embedding_format_of(kind);
    if (f->read_request && !json_parse(&doc, &arena, data, &object)) {
        struct chat_source in = {.doc = &doc, .model = STR("m")};
        struct embedding_request r = {.arena = &arena};
        enum err err = f->read_request(&in, &r);
        CHECK(!err || (in.fault.field.len && in.fault.text.len));
        for (size_t i = 0; !err && i < ARRAY_LEN(kinds); i++)
            if (embedding_format_of(kinds[i]))
                write_calls(&r, kinds[i], &arena);
    }
    arena_release(&arena);
}

static void write_answers(const struct embedding_answer *a)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (int base64 = 0; base64 < 2; base64++) {
            const struct embedding_format *f = embedding_format_of(kinds[i]);
            struct embedding_request r = {.count = a->count, .base64 = base64};
            struct buf out;
            if (!f || !f->write_answer)
                continue;
            buf_init(&out, 0);
            f->write_answer(&r, a, STR("m"), &out);
            check_json(buf_str(&out));
            buf_release(&out);
        }
}

static void as_answer(str data, enum endpoint_kind kind)
{
    struct arena arena = {0};
    struct embedding_request r = {.count = 2};
    struct embedding_answer answer;
    struct embedding_call call = {.count = 2};
    struct chat_target t = {.model = STR("cohere.embed-v4:0"), .arena = &arena};
    CHECK(embedding_answer_init(&answer, &r, &arena));
    enum err err = embedding_format_of(kind)->read_answer(data, NULL, &call, &t, &answer);
    CHECK(err || embedding_answer_complete(&answer));
    if (!err)
        write_answers(&answer);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    str data = str_make((const char *)bytes + 1, size - 1);
    enum endpoint_kind kind = kinds[bytes[0] % ARRAY_LEN(kinds)];
    if (!embedding_format_of(kind))
        return 0;
    as_request(data, kind);
    as_answer(data, kind);
    return 0;
}
