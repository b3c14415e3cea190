#include "llm/gemini_path.h"

#include "wire/url.h"

struct verb {
    str name;
    enum endpoint_kind kind;
    bool stream;
};

static const struct verb verbs[] = {
    {STR_INIT("generateContent"), ENDPOINT_GENERATE, false},
    {STR_INIT("streamGenerateContent"), ENDPOINT_GENERATE, true},
    {STR_INIT("countTokens"), ENDPOINT_GENERATE_COUNT, false},
    {STR_INIT("embedContent"), ENDPOINT_EMBED, false},
    {STR_INIT("batchEmbedContents"), ENDPOINT_EMBED_BATCH, false},
};

enum version { V1, V1BETA, V1ALPHA, V1BETA1, VERSION_NONE };

/* Takes "/v1beta" off; what is left begins with '/'. */
static enum version take_version(str *path)
{
    static const str names[] = {
        [V1] = STR_INIT("/v1/"),
        [V1BETA] = STR_INIT("/v1beta/"),
        [V1ALPHA] = STR_INIT("/v1alpha/"),
        [V1BETA1] = STR_INIT("/v1beta1/"),
    };
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_starts(*path, names[i]))
            continue;
        *path = str_from(*path, names[i].len - 1);
        return (enum version)i;
    }
    return VERSION_NONE;
}

/* Takes "/{word}/{anything}" off. */
static bool take_pair(str *path, str word)
{
    if (!str_starts(*path, word))
        return false;
    str name = str_from(*path, word.len);
    ptrdiff_t slash = str_find_byte(name, '/');
    if (slash <= 0)
        return false;
    *path = str_from(name, (size_t)slash);
    return true;
}

static bool take_vertex(str *path)
{
    str left = *path;
    if (take_pair(&left, STR("/projects/")) && !take_pair(&left, STR("/locations/")))
        return false;
    if (!take_pair(&left, STR("/publishers/")))
        return false;
    *path = left;
    return true;
}

static ptrdiff_t last_colon(str s)
{
    for (size_t i = s.len; i-- > 0;)
        if (s.ptr[i] == ':')
            return (ptrdiff_t)i;
    return -1;
}

static bool asks_for_events(str query)
{
    str name, value;
    while (url_query_next(&query, &name, &value))
        if (str_eq(name, STR("alt")) && str_eq(value, STR("sse")))
            return true;
    return false;
}

static enum gemini_path_result read_list(str model, bool is_get, struct gemini_path *out)
{
    out->kind = ENDPOINT_MODELS;
    out->model = model;
    return is_get ? GEMINI_PATH_FOUND : GEMINI_PATH_METHOD_WRONG;
}

/* "{model}:{method}" */
static enum gemini_path_result read_verb(str text, str query, bool is_get, struct gemini_path *out)
{
    ptrdiff_t colon = last_colon(text);
    str verb = colon < 0 ? STR_NULL : str_from(text, (size_t)colon + 1);
    for (unsigned i = 0; i < ARRAY_LEN(verbs); i++) {
        if (!str_eq(verbs[i].name, verb) || colon == 0)
            continue;
        out->kind = verbs[i].kind;
        out->model = str_first(text, (size_t)colon);
        out->stream = verbs[i].stream;
        out->array = verbs[i].stream && !asks_for_events(query);
        return is_get ? GEMINI_PATH_METHOD_WRONG : GEMINI_PATH_FOUND;
    }
    return is_get && text.len ? read_list(text, true, out) : GEMINI_PATH_UNKNOWN;
}

enum gemini_path_result gemini_path_read(str path, str query, str method, struct gemini_path *out)
{
    *out = (struct gemini_path){.kind = ENDPOINT_GENERATE};
    bool is_get = str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
    enum version version = take_version(&path);
    if (version == VERSION_NONE)
        return GEMINI_PATH_FOREIGN;
    out->vertex = (version == V1 || version == V1BETA1) && take_vertex(&path);
    if (version == V1BETA1 && !out->vertex)
        return GEMINI_PATH_FOREIGN;
    if (str_eq(path, STR("/models")) && version != V1 && !out->vertex)
        return read_list(STR_NULL, is_get, out);
    if (!str_starts(path, STR("/models/")))
        return GEMINI_PATH_FOREIGN;
    if (version == V1 && !out->vertex && is_get)
        return GEMINI_PATH_FOREIGN; /* GET /v1/models/{id}: the fields of the request decide */
    return read_verb(str_from(path, sizeof("/models/") - 1), query, is_get, out);
}
