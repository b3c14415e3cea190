/*
 * AWS Bedrock's runtime: Converse for chats, InvokeModel for embeddings.  The model's id stands
 * in the path, as one segment: the ':' of ids and the '/' of ARNs are encoded, or AWS takes them
 * for something else. An API key goes as Bearer; without one the request is signed (SigV4) with
 * what AWS's usual chain of credentials finds.
 */
#include "llm/provider.h"

#include "llm/dialect/bedrock_impl.h"
#include "llm/sigv4.h"
#include "llm/token_source.h"
#include "wire/url.h"

/* Regions that belong to other partitions of AWS have other domains. */
static const struct {
    str prefix, domain;
} partitions[] = {
    {STR_INIT("cn-"), STR_INIT("amazonaws.com.cn")},
    {STR_INIT("us-iso-"), STR_INIT("c2s.ic.gov")},
    {STR_INIT("us-isob-"), STR_INIT("sc2s.sgov.gov")},
    {STR_INIT("us-isof-"), STR_INIT("csp.hci.ic.gov")},
    {STR_INIT("eu-isoe-"), STR_INIT("cloud.adc-e.uk")},
    {STR_INIT("eusc-"), STR_INIT("amazonaws.eu")},
};

static str default_url(const struct provider_conf *p, struct arena *a)
{
    str domain = STR("amazonaws.com");
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
        if (str_starts(p->region, partitions[i].prefix))
            domain = partitions[i].domain;
    return arena_printf(a, "https://bedrock-runtime.%.*s.%.*s", STR_ARG(p->region),
                        STR_ARG(domain));
}

/* The id as one segment of a path; null: out of memory. */
static str encode_id(str id, struct arena *a)
{
    struct buf encoded;
    buf_init(&encoded, 0);
    url_encode(&encoded, id, URL_KEEP_NONE);
    str copy = encoded.failed ? STR_NULL : arena_str(a, buf_str(&encoded));
    buf_release(&encoded);
    return copy;
}

static str target(const struct provider_request *r, struct arena *a)
{
    str id = encode_id(r->model, a);
    if (str_is_null(id))
        return STR_NULL;
    const char *operation = r->kind == ENDPOINT_INVOKE ? "invoke"
                            : r->stream                ? "converse-stream"
                                                       : "converse";
    str path = arena_printf(a, "/model/%.*s/%s", STR_ARG(id), operation);
    return str_is_null(path) ? path
                             : provider_join_target(r->conf->base_path, path, STR(""), STR_NULL, a);
}

/* By the name of the error where the body has it, for some share their status, and by the words
 * for a model that is not there, which AWS calls a mistake of the request's. */
static enum err classify(int status, str body)
{
    struct arena a;
    struct provider_fault fault;
    arena_init(&a, 0);
    bedrock_read_error(body, &a, &fault);
    enum err err = bedrock_error_meaning(fault.type);
    if (status == 400 && (str_find(fault.message, STR("model identifier is invalid")) >= 0 ||
                          str_find(fault.message, STR("on-demand throughput isn")) >= 0 ||
                          str_find(fault.message, STR("reached the end of its life")) >= 0))
        err = ERR_UPSTREAM_NOT_FOUND;
    arena_release(&a);
    if (err)
        return err;
    return status == 408 || status == 424 ? ERR_UPSTREAM_STATUS
                                          : provider_classify_default(status, body);
}

/* "ThrottlingException:http://internal.amazon.com/…". */
static enum err classify_name(str *name)
{
    *name = bedrock_error_name(*name);
    enum err err = bedrock_error_meaning(*name);
    /* It covers models that are not there, which only the words tell. */
    return err == ERR_UPSTREAM_REFUSED_REQUEST ? ERR_NONE : err;
}

static enum endpoint_kind translate(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c)
{
    (void)p, (void)model, (void)c;
    switch (asked) {
    case ENDPOINT_CHAT:
    case ENDPOINT_COMPLETIONS:
    case ENDPOINT_RESPONSES:
    case ENDPOINT_MESSAGES:
    case ENDPOINT_GENERATE:
        return ENDPOINT_CONVERSE;
    case ENDPOINT_EMBEDDINGS:
    case ENDPOINT_EMBED:
    case ENDPOINT_EMBED_BATCH:
        return ENDPOINT_INVOKE;
    default:
        return ENDPOINT_KIND_COUNT;
    }
}

static const struct token_kind *tokens(const struct provider_conf *p)
{
    return p->api_key_count ? NULL : &token_aws;
}

static bool sign(const struct provider_request *r, struct request_head *head,
                 const struct slice *body, unsigned body_count, int64_t now_s, struct arena *a)
{
    if (r->api_key.len || r->conf->credentials != CREDENTIALS_OWN)
        return true; /* a Bearer key is there */
    return r->aws &&
           sigv4_sign(head, body, body_count, r->aws, r->conf->region, STR("bedrock"), now_s, a);
}

/* Converse takes bytes, and addresses of S3. */
static bool needs_bytes(const struct provider_conf *p, str model)
{
    (void)p, (void)model;
    return true;
}

const struct provider provider_bedrock = {
    .name = "bedrock",
    .default_url = default_url,
    .key_env = "AWS_BEARER_TOKEN_BEDROCK",
    .endpoints = ENDPOINT_BIT(CONVERSE) | ENDPOINT_BIT(INVOKE),
    .target = target,
    .classify = classify,
    .error_field = "x-amzn-errortype",
    .classify_name = classify_name,
    .translate = translate,
    .sign = sign,
    .tokens = tokens,
    .needs_bytes = needs_bytes,
};
