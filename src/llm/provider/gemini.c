/*
 * Google's Gemini: the Developer API with a key, or Vertex AI (`vertex: {project, …}`) with a token.  The
 * model and what to do with it are in the path; the key is a field, never in the URL, which is logged.
 *
 *   {base}/v1beta/models/{model}:generateContent
 *   {base}/v1beta1/projects/{p}/locations/{l}/publishers/google/models/{model}:generateContent
 *   {base}/v1beta1/projects/{p}/locations/{l}/publishers/anthropic/models/{model}:rawPredict
 */
#include "llm/provider.h"

#include "llm/dialect/gemini_impl.h"
#include "llm/token_source.h"
#include "wire/json_edit.h"
#include "wire/url.h"

#define ANTHROPIC_VERSION "\"vertex-2023-10-16\""

static bool is_vertex(const struct provider_conf *p)
{
    return p->vertex.project.len > 0;
}

/* Claude is served by Vertex in Anthropic's own format. */
static bool is_claude(str model)
{
    return str_starts(model, STR("claude")) || str_find(model, STR("publishers/anthropic/")) >= 0;
}

static str location_of(const struct provider_conf *p)
{
    return p->vertex.location.len ? p->vertex.location : STR("global");
}

static str default_url(const struct provider_conf *p, struct arena *a)
{
    str where = location_of(p);
    if (!is_vertex(p))
        return STR("https://generativelanguage.googleapis.com");
    if (str_eq(where, STR("global")))
        return STR("https://aiplatform.googleapis.com");
    if (str_eq(where, STR("us")) || str_eq(where, STR("eu")))
        return arena_printf(a, "https://aiplatform.%.*s.rep.googleapis.com", STR_ARG(where));
    return arena_printf(a, "https://%.*s-aiplatform.googleapis.com", STR_ARG(where));
}

/* --- Paths ---------------------------------------------------------------------------------------- */

/* The address as people write it, with or without a version, which is then the one that is asked. */
static str base_of(const struct provider_conf *p, struct arena *a)
{
    static const str versions[] = {STR_INIT("/v1"), STR_INIT("/v1beta"), STR_INIT("/v1alpha"),
                                   STR_INIT("/v1beta1")};
    for (unsigned i = 0; i < ARRAY_LEN(versions); i++)
        if (str_ends(p->base_path, versions[i]))
            return p->base_path;
    return arena_printf(a, "%.*s/%s", STR_ARG(p->base_path), is_vertex(p) ? "v1beta1" : "v1beta");
}

static bool is_resource(str model)
{
    static const str roots[] = {STR_INIT("models/"), STR_INIT("tunedModels/"),
                                STR_INIT("publishers/"), STR_INIT("endpoints/")};
    for (unsigned i = 0; i < ARRAY_LEN(roots); i++)
        if (str_starts(model, roots[i]))
            return true;
    return false;
}

/* "models/{model}", or what the name says by itself. */
static void add_model(struct buf *path, str model)
{
    if (!is_resource(model))
        buf_add_lit(path, "models/");
    url_encode(path, model, is_resource(model) ? URL_KEEP_SLASH : URL_KEEP_NONE);
}

static void add_vertex_model(struct buf *path, const struct provider_conf *p, str model)
{
    bool whole = str_starts(model, STR("publishers/")) || str_starts(model, STR("endpoints/"));
    buf_add_lit(path, "projects/");
    url_encode(path, p->vertex.project, URL_KEEP_NONE);
    buf_add_lit(path, "/locations/");
    url_encode(path, location_of(p), URL_KEEP_NONE);
    buf_add_byte(path, '/');
    if (!whole)
        buf_add_str(path,
                    is_claude(model) ? STR("publishers/anthropic/") : STR("publishers/google/"));
    add_model(path, model);
}

static const char *method_of(const struct provider_request *r)
{
    switch (r->kind) {
    case ENDPOINT_GENERATE_COUNT:
        return ":countTokens";
    case ENDPOINT_EMBED:
        return ":embedContent";
    case ENDPOINT_EMBED_BATCH:
        return ":batchEmbedContents";
    case ENDPOINT_PREDICT:
        return ":predict";
    case ENDPOINT_MESSAGES:
        return r->stream ? ":streamRawPredict" : ":rawPredict";
    default:
        return !r->stream ? ":generateContent"
               : r->array ? ":streamGenerateContent"
                          : ":streamGenerateContent?alt=sse";
    }
}

static str target(const struct provider_request *r, struct arena *a)
{
    struct buf path;
    str base = base_of(r->conf, a);
    buf_init(&path, 0);
    buf_add_str(&path, base);
    buf_add_byte(&path, '/');
    if (is_vertex(r->conf))
        add_vertex_model(&path, r->conf, r->model);
    else
        add_model(&path, r->model);
    buf_add_str(&path, str_from_c(method_of(r)));
    str copy = path.failed || str_is_null(base) ? STR_NULL : arena_str(a, buf_str(&path));
    buf_release(&path);
    return copy;
}

/* --- Fields, and what the body has besides its format --------------------------------------------- */

/* On Vertex the service tier is a field; the writer left it in `beta`. */
static bool add_tier(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    if (!r->beta.len)
        return true;
    if (r->kind == ENDPOINT_MESSAGES)
        return head_add_known(headers, a, HEADER_ANTHROPIC_BETA, r->beta);
    return head_add(headers, a, STR("x-vertex-ai-llm-request-type"), STR("shared")) &&
           head_add(headers, a, STR("x-vertex-ai-llm-shared-request-type"), r->beta);
}

static bool authorize(const struct provider_request *r, struct headers *headers, struct arena *a)
{
    if (!add_tier(r, headers, a))
        return false;
    if (r->token.len)
        return provider_add_token(r, headers, a);
    return provider_add_key(r, STR("x-goog-api-key"), STR(""), headers, a);
}

static const struct token_kind *tokens(const struct provider_conf *p)
{
    return is_vertex(p) && !p->api_key_count ? &token_google : NULL;
}

/* Claude on Vertex: the model is in the path and must not be in the body, the version the other way. */
static bool edit_body(const struct provider_request *r, struct json_edit *e)
{
    if (r->kind != ENDPOINT_MESSAGES)
        return false;
    uint32_t model = json_member_name(e->doc, JSON_ROOT, STR("model"));
    if (model != JSON_NONE)
        json_edit_remove(e, JSON_ROOT, model);
    json_edit_set(e, JSON_ROOT, STR("anthropic_version"), STR(ANTHROPIC_VERSION));
    return true;
}

/* --- What it offers ---------------------------------------------------------------------------------- */

static uint64_t endpoints_of(const struct provider_conf *p)
{
    uint64_t both = ENDPOINT_BIT(GENERATE) | ENDPOINT_BIT(GENERATE_COUNT) | ENDPOINT_BIT(EMBED) |
                    ENDPOINT_BIT(MODELS);
    return both | (is_vertex(p) ? ENDPOINT_BIT(PREDICT) : ENDPOINT_BIT(EMBED_BATCH));
}

/* Vertex has predict for embeddings, but embedContent for models since gemini-embedding-2. */
static enum endpoint_kind embeds_at(const struct provider_conf *p, str model)
{
    if (!is_vertex(p))
        return ENDPOINT_EMBED_BATCH;
    return str_find(model, STR("gemini-embedding-2")) >= 0 ? ENDPOINT_EMBED : ENDPOINT_PREDICT;
}

static enum endpoint_kind translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    (void)c;
    switch (asked) {
    case ENDPOINT_CHAT:
    case ENDPOINT_COMPLETIONS:
    case ENDPOINT_RESPONSES:
    case ENDPOINT_MESSAGES:
    case ENDPOINT_GENERATE:
        return is_vertex(p) && is_claude(model) ? ENDPOINT_MESSAGES : ENDPOINT_GENERATE;
    case ENDPOINT_EMBEDDINGS:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
        return embeds_at(p, model);
    default:
        return ENDPOINT_KIND_COUNT;
    }
}

/* --- Its models ---------------------------------------------------------------------------------------- */

static str models_target(const struct provider_conf *p, str page, struct arena *a)
{
    struct buf path;
    str base = base_of(p, a);
    buf_init(&path, 0);
    buf_add_str(&path, base);
    buf_add_str(&path, is_vertex(p) ? STR("/publishers/google/models") : STR("/models"));
    buf_add_lit(&path, "?pageSize=1000");
    if (page.len) {
        buf_add_lit(&path, "&pageToken=");
        url_encode(&path, page, URL_KEEP_NONE);
    }
    str copy = path.failed || str_is_null(base) ? STR_NULL : arena_str(a, buf_str(&path));
    buf_release(&path);
    return copy;
}

static uint32_t limit(const struct json_doc *doc, uint32_t model, str name)
{
    uint32_t node = gemini_member(doc, model, name);
    int64_t n;
    if (!json_is(doc, node, JSON_NUMBER) || !json_to_i64(json_raw(doc, node), &n))
        return 0;
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

/* Models that neither chat nor embed (images, voices, videos) are of no use here.  Vertex does not say
 * what they can. */
static bool is_useful(const struct json_doc *doc, uint32_t model, str id)
{
    uint32_t methods = gemini_member(doc, model, STR("supportedGenerationMethods"));
    if (!json_is(doc, methods, JSON_ARRAY))
        return str_starts(id, STR("gemini")) || str_find(id, STR("embedding")) >= 0;
    JSON_EACH (one, doc, methods)
        if (json_is(doc, one, JSON_STRING) && (json_string_eq(doc, one, STR("generateContent")) ||
                                               json_string_eq(doc, one, STR("embedContent"))))
            return true;
    return false;
}

static bool read_model(const struct json_doc *doc, uint32_t model, struct arena *a,
                       struct listed_model *out)
{
    uint32_t name = gemini_member(doc, model, STR("name"));
    str id;
    *out = (struct listed_model){.id = STR_NULL};
    if (!json_is(doc, name, JSON_STRING))
        return true;
    if (json_string_decode(doc, name, a, &id))
        return false;
    if (str_starts(id, STR("publishers/google/")))
        id = str_from(id, sizeof("publishers/google/") - 1);
    if (str_starts(id, STR("models/")))
        id = str_from(id, sizeof("models/") - 1);
    if (!is_useful(doc, model, id))
        return true;
    out->id = id;
    out->window = limit(doc, model, STR("inputTokenLimit"));
    out->output_max = limit(doc, model, STR("outputTokenLimit"));
    return true;
}

/* {"models":[{"name":"models/…","inputTokenLimit":…,…}],"nextPageToken":"…"}; on Vertex publisherModels. */
static bool read_models(str body, struct arena *a, struct model_page *out)
{
    struct json_doc doc;
    *out = (struct model_page){0};
    if (json_parse(&doc, a, body, NULL))
        return false;
    uint32_t list = gemini_member(&doc, JSON_ROOT, STR("models"));
    uint32_t next = gemini_member(&doc, JSON_ROOT, STR("nextPageToken"));
    if (list == JSON_NONE)
        list = gemini_member(&doc, JSON_ROOT, STR("publisherModels"));
    if (!json_is(&doc, list, JSON_ARRAY))
        return json_is(&doc, JSON_ROOT, JSON_OBJECT) && list == JSON_NONE &&
               gemini_error_node(&doc) == JSON_NONE; /* an empty list is left out */
    out->models = arena_zalloc(a, (json_count(&doc, list) + 1) * sizeof(*out->models));
    if (!out->models)
        return false;
    JSON_EACH (model, &doc, list) {
        if (!read_model(&doc, model, a, &out->models[out->count]))
            return false;
        out->count += out->models[out->count].id.len > 0;
    }
    if (!json_is(&doc, next, JSON_STRING) || json_string_raw(&doc, next).len == 0)
        return true;
    return !json_string_decode(&doc, next, a, &out->next);
}

const struct provider provider_gemini = {
    .name = "gemini",
    .default_url = default_url,
    .key_env = "GEMINI_API_KEY",
    .key_required = true,
    .endpoints = ENDPOINT_BIT(GENERATE) | ENDPOINT_BIT(GENERATE_COUNT) | ENDPOINT_BIT(EMBED) |
                 ENDPOINT_BIT(EMBED_BATCH) | ENDPOINT_BIT(MODELS),
    .endpoints_of = endpoints_of,
    .target = target,
    .authorize = authorize,
    .classify = gemini_meaning,
    .translate = translate,
    .tokens = tokens,
    .edit_body = edit_body,
    .models_target = models_target,
    .read_models = read_models,
};
