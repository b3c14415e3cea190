#include "llm/embedding_impl.h"

#define EMBEDDING(kind, symbol) extern const struct embedding_format embedding_##symbol;
#include "llm/embedding.def"
#undef EMBEDDING

static const struct embedding_format *const formats[ENDPOINT_KIND_COUNT] = {
#define EMBEDDING(kind, symbol) [ENDPOINT_##kind] = &embedding_##symbol,
#include "llm/embedding.def"
#undef EMBEDDING
};

const struct embedding_format *embedding_format_of(enum endpoint_kind kind)
{
    return kind < ENDPOINT_KIND_COUNT ? formats[kind] : NULL;
}

/* --- Tasks. */

static const struct {
    const char *gemini, *cohere; /* cohere NULL: it has no such one */
} tasks[] = {
    [TASK_QUERY] = {"RETRIEVAL_QUERY", "search_query"},
    [TASK_DOCUMENT] = {"RETRIEVAL_DOCUMENT", "search_document"},
    [TASK_SIMILARITY] = {"SEMANTIC_SIMILARITY", NULL},
    [TASK_CLASSIFICATION] = {"CLASSIFICATION", "classification"},
    [TASK_CLUSTERING] = {"CLUSTERING", "clustering"},
    [TASK_QUESTION] = {"QUESTION_ANSWERING", NULL},
    [TASK_FACT] = {"FACT_VERIFICATION", NULL},
    [TASK_CODE_QUERY] = {"CODE_RETRIEVAL_QUERY", NULL},
};

enum embedding_task embedding_task_of(str name)
{
    for (size_t i = 1; i < ARRAY_LEN(tasks); i++)
        if (str_eq(name, str_from_c(tasks[i].gemini)) ||
            (tasks[i].cohere && str_eq(name, str_from_c(tasks[i].cohere))))
            return (enum embedding_task)i;
    return TASK_UNSET;
}

const char *embedding_task_gemini(enum embedding_task task)
{
    return tasks[task].gemini;
}

/* --- Requests. */

bool embedding_request_init(struct embedding_request *r, struct chat_source *in, struct arena *a,
                            unsigned n)
{
    CHECK(n > 0);
    *r = (struct embedding_request){.arena = a, .model = in->model, .count = n};
    r->inputs = arena_zalloc(a, n * sizeof(*r->inputs));
    return r->inputs != NULL;
}

bool embedding_add_extra(struct embedding_request *r, enum native_format format, str name, str json,
                         enum field_class class)
{
    struct extra *extra = arena_zalloc(r->arena, sizeof(*extra)), **end = &r->extras;
    if (!extra)
        return false;
    *extra = (struct extra){.format = format, .name = name, .json = json, .class = class};
    while (*end)
        end = &(*end)->next;
    *end = extra;
    return true;
}

const struct extra *embedding_extra(const struct embedding_request *r, str name)
{
    const struct extra *e = r->extras;
    while (e && !str_eq(e->name, name))
        e = e->next;
    return e;
}

static bool is_among(str name, const str *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

/* Fields as the client calls them. */
static str name_of(const struct embedding_request *r, enum embedding_place place)
{
    bool gemini = r->dialect == NATIVE_GEMINI;
    switch (place) {
    case PLACE_TASK:
        return gemini ? STR("taskType") : STR("input_type");
    case PLACE_TITLE:
        return STR("title");
    case PLACE_DIMENSIONS:
        return gemini ? STR("outputDimensionality") : STR("dimensions");
    }
    BUG("place %d", (int)place);
}

void embedding_report(const struct embedding_request *r, const struct embedding_call *call,
                      struct unsupported *u, unsigned places, const str *taken, unsigned n)
{
    unsigned there = 0;
    for (unsigned i = call->first; i < call->first + call->count; i++) {
        const struct embedding_input *in = &r->inputs[i];
        there |= in->task != TASK_UNSET ? PLACE_TASK : 0;
        there |= !str_is_null(in->title.s) ? PLACE_TITLE : 0;
        there |= in->dimensions.len ? PLACE_DIMENSIONS : 0;
    }
    there &= ~places;
    if (there & PLACE_DIMENSIONS)
        unsupported_field(u, FIELD_MEANING, name_of(r, PLACE_DIMENSIONS),
                          "the model's vectors have one size");
    if (there & PLACE_TASK)
        unsupported_field(u, FIELD_HINT, name_of(r, PLACE_TASK), "the model has no such setting");
    if (there & PLACE_TITLE)
        unsupported_field(u, FIELD_HINT, name_of(r, PLACE_TITLE), "the model has no such setting");
    for (const struct extra *e = r->extras; e; e = e->next)
        if (!is_among(e->name, taken, n))
            unsupported_field(u, e->class, e->name, "the model's provider has no such field");
}

bool embedding_texts_only(const struct embedding_request *r, const struct embedding_call *call,
                          struct unsupported *u, const char *who)
{
    for (unsigned i = call->first; i < call->first + call->count; i++) {
        const struct embedding_input *in = &r->inputs[i];
        if (!str_is_null(in->text.s))
            continue;
        const char *what =
            in->tokens.len ? "%s takes texts, and no token ids" : "%s takes texts only";
        str why = arena_printf(u->arena, what, who);
        unsupported_refuse(u, in->field, why.ptr ? why.ptr : "takes texts only");
        return false;
    }
    return true;
}

enum err embedding_fault(struct chat_source *in, enum err err, str field, str text)
{
    in->fault = (struct chat_fault){.err = err, .field = field, .text = text};
    return str_is_null(field) ? ERR_NO_MEMORY : err;
}

enum err embedding_read_dimensions(struct chat_source *in, uint32_t node, str field, str *out)
{
    int64_t value;
    bool is_number = json_is(in->doc, node, JSON_NUMBER);
    *out = STR_NULL;
    if (node == JSON_NONE || json_is(in->doc, node, JSON_NULL))
        return ERR_NONE;
    if (!is_number || !json_to_i64(json_raw(in->doc, node), &value) || value < 1)
        return embedding_fault(in, ERR_FIELD_INVALID, field, STR("must be a whole number from 1"));
    *out = json_raw(in->doc, node);
    return ERR_NONE;
}

/* --- Calls. */

static bool same_settings(const struct embedding_input *a, const struct embedding_input *b)
{
    return a->task == b->task && str_eq(a->title.s, b->title.s) &&
           str_eq(a->dimensions, b->dimensions);
}

static unsigned call_length(const struct embedding_format *f, const struct embedding_request *r,
                            unsigned first, unsigned max)
{
    unsigned n = 1;
    while (n < max && first + n < r->count &&
           (f->mixed || same_settings(&r->inputs[first], &r->inputs[first + n])))
        n++;
    return n;
}

bool embedding_calls(const struct embedding_format *f, const struct embedding_request *r,
                     const struct chat_target *t, struct embedding_call **calls, unsigned *count)
{
    unsigned max = f->call_max(t), n = 0;
    CHECK(max > 0);
    for (unsigned first = 0; first < r->count; n++)
        first += call_length(f, r, first, max);
    *count = n;
    *calls = arena_alloc(t->arena, n * sizeof(**calls));
    if (!*calls)
        return false;
    for (unsigned i = 0, first = 0; i < n; i++) {
        unsigned length = call_length(f, r, first, max);
        (*calls)[i] = (struct embedding_call){.first = first, .count = length};
        first += length;
    }
    return true;
}

/* --- Answers. */

bool embedding_answer_init(struct embedding_answer *out, const struct embedding_request *r,
                           struct arena *a)
{
    *out = (struct embedding_answer){.arena = a, .count = r->count};
    out->vectors = arena_zalloc(a, r->count * sizeof(*out->vectors));
    return out->vectors != NULL;
}

static bool is_there(const struct embedding_vector *v)
{
    return v->json.len || v->base64.len;
}

bool embedding_answer_complete(const struct embedding_answer *a)
{
    for (unsigned i = 0; i < a->count; i++)
        if (!is_there(&a->vectors[i]))
            return false;
    return true;
}

static struct embedding_vector *place_of(struct embedding_answer *out,
                                         const struct embedding_call *call, uint64_t i)
{
    CHECK(call->first + call->count <= out->count);
    if (i >= call->count || is_there(&out->vectors[call->first + i]))
        return NULL;
    return &out->vectors[call->first + i];
}

/* Of JSON that is well-formed: nothing else stands in a flat array of numbers. */
static bool is_numbers(str json)
{
    if (json.len < 3 || json.ptr[0] != '[')
        return false;
    for (size_t i = 1; i < json.len - 1; i++) {
        char c = json.ptr[i];
        bool ours = (c >= '0' && c <= '9') || c == ',' || c == '.' || c == '-' || c == '+' ||
                    c == 'e' || c == 'E' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (!ours)
            return false;
    }
    return true;
}

bool embedding_put_json(struct embedding_answer *out, const struct embedding_call *call, uint64_t i,
                        str json)
{
    struct embedding_vector *v = place_of(out, call, i);
    if (!v || !is_numbers(json))
        return false;
    v->json = json;
    return true;
}

bool embedding_call_done(struct embedding_answer *out, const struct embedding_call *call,
                         int64_t tokens)
{
    struct usage *u = &out->usage;
    bool known = tokens >= 0 && (out->calls == 0 || u->known);
    int64_t before = out->calls && u->known ? u->input : 0;
    *u = (struct usage){
        .known = known,
        .input = known ? before + tokens : -1,
        .cached = -1,
        .cache_write = -1,
        .output = known ? 0 : -1,
        .reasoning = -1,
    };
    out->calls++;
    for (unsigned i = call->first; i < call->first + call->count; i++)
        if (!is_there(&out->vectors[i]))
            return false;
    return true;
}

int64_t embedding_tokens(const struct json_doc *doc, uint32_t object, str name)
{
    int64_t value;
    uint32_t node = json_member(doc, object, name);
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &value))
        return -1;
    return value >= 0 && value <= USAGE_MAX ? value : -1;
}
