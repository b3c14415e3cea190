/*
 * A provider type: who is called, and how.  One file in llm/provider/ and one line in provider.def
 * each.  A NULL slot means the usual behaviour (provider.c).  All functions are pure but for the
 * arena.
 */
#ifndef LLM_PROVIDER_H
#define LLM_PROVIDER_H

#include "llm/endpoint_kind.h"
#include "llm/provider_conf.h"

/* What the gateway wants to ask: filled by the attempt, read by the provider. */
struct provider_request {
    const struct provider_conf *conf;
    enum endpoint_kind kind;
    str method;
    str rest;  /* for relayed families: what follows the kind's path ("/file-abc/content"), or "" */
    str query; /* the client's query without '?', or null; only for relayed families */
    str model; /* the target's model (deployment), or null where there is none */
    str api_key; /* chosen credential, or null */
    bool array;  /* Gemini: the stream as one JSON array, as the client asked for it */
    bool stream; /* the answer is to be a stream, for APIs that have that in the path */
    str beta;    /* chat_target.beta of a translated request, or null */
    /* Of a provider whose credentials are made into other ones (`tokens`), else null and NULL. */
    str token;
    const struct aws_credentials *aws;
};

struct aws_credentials;
struct chat;
struct model_facts;
struct json_edit;
struct slice;
struct token_kind;

struct listed_model { /* a model as its provider lists it */
    str id;
    uint32_t window, output_max; /* 0: not said */
};

struct model_page { /* one answer of the list, taken apart; in the arena */
    struct listed_model *models;
    unsigned count;
    str next; /* what the next page is asked with; null: the last */
};

struct provider {
    const char *name;
    const char *base_url; /* default; NULL: must be configured, or: */
    /* The default by configuration (a region), for the arena.  Null str: no memory.  NULL: none. */
    str (*default_url)(const struct provider_conf *p, struct arena *a);
    const char *key_env; /* environment variable of its key, for starting without a file */
    bool key_required;
    uint64_t endpoints; /* bits of enum endpoint_kind that it offers */

    /* The same by configuration (an `api` option).  NULL: `endpoints`. */
    uint64_t (*endpoints_of)(const struct provider_conf *p);

    /* The path and query of the request, absolute, in the arena; null str: out of memory. */
    str (*target)(const struct provider_request *r, struct arena *a);
    /* Credentials and vendor headers; values live in the arena or the configuration. */
    bool (*authorize)(const struct provider_request *r, struct headers *headers, struct arena *a);
    /* What a status that is not 2xx means.  body: as much as was read. */
    enum err (*classify)(int status, str body);
    /* Of vendors that name their errors in a field: the field, in lower case, and what a name means.
     * ERR_NONE: not known, `classify` decides.  *name is cut to what is told and logged. */
    const char *error_field;
    enum err (*classify_name)(str *name);

    /* For requests in a format that it does not offer: the endpoint to translate to, one of `endpoints`.
     * c is NULL for what is no chat (count_tokens, embeddings).  ENDPOINT_KIND_COUNT: none.
     * NULL: provider_translate_default. */
    enum endpoint_kind (*translate)(const struct provider_conf *p, enum endpoint_kind asked,
                                    str model, const struct chat *c);
    /* Whether the model refuses what is asked at an endpoint that the provider offers, so that it is
     * translated all the same.  c NULL: whether it may.  NULL: never. */
    bool (*refuses)(const struct provider_conf *p, enum endpoint_kind asked, str model,
                    const struct chat *c);
    /* Changes to a JSON body in the format of the endpoint, for what the provider has elsewhere (Claude on
     * Vertex AI: the model in the path, a version in the body).  Also for translated ones.  True: the
     * model's name was dealt with, and is not replaced.  NULL: none. */
    bool (*edit_body)(const struct provider_request *r, struct json_edit *e);
    /* The last step: signs the head with its whole body (SigV4).  now_s: Unix seconds.  NULL: nothing
     * to do.  False: no memory, or no credentials. */
    bool (*sign)(const struct provider_request *r, struct request_head *head,
                 const struct slice *body, unsigned body_count, int64_t now_s, struct arena *a);
    /* How its credentials are made into access tokens or keys that expire (token_source.h): the
     * request then has `token` or `aws`.  NULL slot, or NULL: api keys are sent as they are. */
    const struct token_kind *(*tokens)(const struct provider_conf *p);
    /* The list of its models: path and query (page null: the first), and reading it.  NULL: OpenAI's. */
    str (*models_target)(const struct provider_conf *p, str page, struct arena *a);
    bool (*read_models)(str body, struct arena *a, struct model_page *out);
    /* Images by address must be sent as bytes.  NULL: decided by MODEL_IMAGE_URL. */
    bool (*needs_bytes)(const struct provider_conf *p, str model);
};

/* The usual behaviour, for NULL slots and for providers to build upon. */
uint64_t provider_endpoints(const struct provider_conf *p);
str provider_target(const struct provider_request *r, struct arena *a);
bool provider_authorize(const struct provider_request *r, struct headers *headers, struct arena *a);
enum err provider_classify(const struct provider *p, int status, str body);
enum err provider_classify_default(int status, str body);
/* CHAT for anything that is a chat, EMBEDDINGS for embeddings of another shape, else none. */
enum endpoint_kind provider_translate_default(const struct provider_conf *p,
                                              enum endpoint_kind asked, str model,
                                              const struct chat *c);

/* The slots, or the usual behaviour. */
enum endpoint_kind provider_translate(const struct provider_conf *p, enum endpoint_kind asked,
                                      str model, const struct chat *c);
bool provider_sign(const struct provider_request *r, struct request_head *head,
                   const struct slice *body, unsigned body_count, int64_t now_s, struct arena *a);
str provider_models_target(const struct provider_conf *p, str page, struct arena *a);
bool provider_read_models(const struct provider_conf *p, str body, struct arena *a,
                          struct model_page *out);
bool provider_needs_bytes(const struct provider_conf *p, str model);

/* What is known of a model there, by the preset or the type. */
const struct model_facts *provider_model_facts(const struct provider_conf *p, str model);

/* Building blocks: base path + path + rest [+ '?' + query]; and a credential as a field, by the
 * configuration's `auth` or else as given ("prefix key"; an empty prefix: the bare key). */
str provider_join_target(str base_path, str path, str rest, str query, struct arena *a);
bool provider_add_key(const struct provider_request *r, str header, str prefix,
                      struct headers *headers, struct arena *a);
/* r->token behind Bearer. */
bool provider_add_token(const struct provider_request *r, struct headers *headers, struct arena *a);

/* By type name ("openai-compatible"); NULL: none.  provider_at walks all, NULL past the end. */
const struct provider *provider_find(str type);
const struct provider *provider_at(unsigned i);

/* Presets of openai-compatible: a known vendor's address. */
struct preset {
    const char *name, *base_url, *key_env;
};
const struct preset *preset_find(str name);
const struct preset *preset_at(unsigned i);

#endif
