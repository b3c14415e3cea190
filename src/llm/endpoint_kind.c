#include "llm/endpoint_kind.h"

#include "base/check.h"

static const struct endpoint_facts facts[ENDPOINT_KIND_COUNT] = {
#define ENDPOINT(id, name_, path_, methods_, body_)                                                \
    [ENDPOINT_##id] = {.name = STR_INIT(name_),                                                    \
                       .path = STR_INIT(path_),                                                    \
                       .methods = ENDPOINT_METHODS_##methods_,                                     \
                       .body = ENDPOINT_BODY_##body_},
#include "llm/endpoint.def"
#undef ENDPOINT
};

const struct endpoint_facts *endpoint_facts(enum endpoint_kind kind)
{
    CHECK((unsigned)kind < ENDPOINT_KIND_COUNT);
    return &facts[kind];
}

/* Whether path is the family's root or below it; *rest gets what follows. */
static bool below(str path, str root, str *rest)
{
    if (!str_starts(path, root))
        return false;
    *rest = str_from(path, root.len);
    return rest->len == 0 || rest->ptr[0] == '/';
}

static bool kind_matches(const struct endpoint_facts *f, str path, str method, str *rest)
{
    *rest = STR("");
    switch (f->methods) {
    case ENDPOINT_METHODS_POST:
        return str_eq(path, f->path) && str_eq(method, STR("POST"));
    case ENDPOINT_METHODS_GET:
        return below(path, f->path, rest) &&
               (str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")));
    case ENDPOINT_METHODS_FAMILY:
        return below(path, f->path, rest) &&
               (str_eq(method, STR("GET")) || str_eq(method, STR("POST")) ||
                str_eq(method, STR("DELETE")));
    case ENDPOINT_METHODS_NEVER:
        return false;
    }
    BUG("endpoint methods %d", (int)f->methods);
}

enum endpoint_lookup endpoint_find(str path, str method, enum endpoint_kind *kind, str *rest)
{
    bool path_known = false;
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++) {
        str ignored;
        if (kind_matches(&facts[i], path, method, rest)) {
            *kind = (enum endpoint_kind)i;
            return ENDPOINT_FOUND;
        }
        if (facts[i].methods == ENDPOINT_METHODS_NEVER)
            continue;
        path_known = path_known || (facts[i].methods == ENDPOINT_METHODS_POST
                                        ? str_eq(path, facts[i].path)
                                        : below(path, facts[i].path, &ignored));
    }
    return path_known ? ENDPOINT_METHOD_WRONG : ENDPOINT_PATH_UNKNOWN;
}

str endpoint_allow(str path)
{
    str ignored;
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++) {
        const struct endpoint_facts *f = &facts[i];
        if (f->methods == ENDPOINT_METHODS_FAMILY && below(path, f->path, &ignored))
            return STR("GET, POST, DELETE");
        if (f->methods == ENDPOINT_METHODS_GET && below(path, f->path, &ignored))
            return STR("GET, HEAD");
    }
    return STR("POST");
}
