/* Bedrock's errors: {"message": …}, their kind in the field x-amzn-errortype, in `__type`, or as
 * the name of a frame in a stream. */
#include "llm/dialect/bedrock_impl.h"

static const struct json_options shallow = {.index_depth = 2};

static const struct {
    str name;
    enum err err;
} meanings[] = {
    {STR_INIT("ValidationException"), ERR_UPSTREAM_REFUSED_REQUEST},
    {STR_INIT("ConflictException"), ERR_UPSTREAM_REFUSED_REQUEST},
    {STR_INIT("AccessDeniedException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("UnrecognizedClientException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("InvalidSignatureException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("IncompleteSignatureException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("ExpiredTokenException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("ExpiredToken"), ERR_UPSTREAM_AUTH},
    {STR_INIT("MissingAuthenticationTokenException"), ERR_UPSTREAM_AUTH},
    {STR_INIT("InvalidClientTokenId"), ERR_UPSTREAM_AUTH},
    {STR_INIT("ResourceNotFoundException"), ERR_UPSTREAM_NOT_FOUND},
    {STR_INIT("UnknownOperationException"), ERR_UPSTREAM_NOT_FOUND},
    {STR_INIT("ServiceQuotaExceededException"), ERR_UPSTREAM_QUOTA},
    {STR_INIT("ThrottlingException"), ERR_UPSTREAM_RATE_LIMIT},
    {STR_INIT("ModelNotReadyException"), ERR_UPSTREAM_OVERLOADED},
    {STR_INIT("ServiceUnavailableException"), ERR_UPSTREAM_OVERLOADED},
    {STR_INIT("InternalServerException"), ERR_UPSTREAM_STATUS},
    {STR_INIT("ModelErrorException"), ERR_UPSTREAM_STATUS},
    {STR_INIT("ModelTimeoutException"), ERR_UPSTREAM_STATUS},
    {STR_INIT("ModelStreamErrorException"), ERR_UPSTREAM_STREAM_ERROR},
};

str bedrock_error_name(str name)
{
    ptrdiff_t hash = str_find_byte(name, '#');
    if (hash >= 0)
        name = str_from(name, (size_t)hash + 1);
    ptrdiff_t colon = str_find_byte(name, ':');
    return colon > 0 ? str_first(name, (size_t)colon) : name;
}

enum err bedrock_error_meaning(str name)
{
    name = bedrock_error_name(name);
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (str_ieq(name, meanings[i].name))
            return meanings[i].err;
    return ERR_NONE;
}

/* The prompt does not fit, in any of the words that are known; another model may have more room. */
static bool is_too_long(str message)
{
    static const str words[] = {
        STR_INIT("Input is too long"),     STR_INIT("prompt is too long"),
        STR_INIT("exceeds the context"),   STR_INIT("maximum context length"),
        STR_INIT("too many input tokens"),
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_find(message, words[i]) >= 0)
            return true;
    return false;
}

/* The first of the members that is a string, decoded; null: none. */
static str text_member(const struct json_doc *doc, struct arena *a, const str *names, unsigned n)
{
    str text = STR_NULL;
    for (unsigned i = 0; i < n; i++) {
        uint32_t node = json_member(doc, JSON_ROOT, names[i]);
        if (json_is(doc, node, JSON_STRING) && json_string_decode(doc, node, a, &text) == ERR_NONE)
            return text;
    }
    return STR_NULL;
}

void bedrock_read_fault(str body, str type, struct arena *a, struct provider_fault *out)
{
    static const str messages[] = {STR_INIT("message"), STR_INIT("Message"),
                                   STR_INIT("originalMessage")};
    static const str types[] = {STR_INIT("__type"), STR_INIT("code")};
    struct json_doc doc;
    *out = (struct provider_fault){.type = type};
    if (json_parse(&doc, a, body, &shallow) == ERR_NONE && json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->message = text_member(&doc, a, messages, ARRAY_LEN(messages));
        if (str_is_null(out->type))
            out->type = text_member(&doc, a, types, ARRAY_LEN(types));
    }
    out->type = bedrock_error_name(out->type);
    if (is_too_long(out->message))
        out->code = STR("context_length_exceeded");
}

void bedrock_read_error(str body, struct arena *a, struct provider_fault *out)
{
    bedrock_read_fault(body, STR_NULL, a, out);
}
