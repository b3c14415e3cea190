/*
 * `providers.<name>`: one account at one vendor, as configured.  Part of a configuration snapshot:
 * immutable, memory in its arena.
 */
#ifndef LLM_PROVIDER_CONF_H
#define LLM_PROVIDER_CONF_H

#include "http/call.h"
#include "http/http_conf.h"
#include "wire/head.h"

struct provider;
struct preset;

enum provider_credentials {
    CREDENTIALS_OWN,        /* the provider's api_key(s) */
    CREDENTIALS_PASSTHROUGH /* what the client sent goes on */
};

enum azure_style { AZURE_AUTO, AZURE_DEPLOYMENT, AZURE_V1 };

struct vertex_conf { /* gemini: Vertex AI, when the project is set */
    str project, location;
    str credentials; /* file, or its JSON; null: the application default */
};

/* Which of a server's APIs is spoken: of ollama its own or OpenAI's, of OpenAI's models chat completions or
 * responses. */
enum provider_api { API_AUTO, API_NATIVE, API_OPENAI, API_CHAT, API_RESPONSES };

struct name_pair { /* a row of a map: deployments, headers */
    str name, value;
};

struct entra_conf {                       /* azure: access tokens of Microsoft Entra ID */
    str tenant, client_id, client_secret; /* without a secret: AZURE_FEDERATED_TOKEN_FILE */
    bool managed_identity;                /* of the machine, in place of all three */
    str authority, scope;
};

struct aws_conf { /* bedrock, without api_key; nothing set: the usual chain of credentials */
    str profile;
    str access_key_id, secret_access_key, session_token;
    str role, external_id, session_name; /* assumed with what the rest gives */
};

struct provider_tls_conf {
    str ca, certificate, key; /* files; null: system roots / none */
    bool verify;
    unsigned min_version; /* TLS1_2_VERSION, TLS1_3_VERSION */
};

struct provider_conf {
    str name; /* key under `providers` */
    str type; /* "openai", "vllm", ... as written */
    const struct provider *provider;
    str preset;   /* openai-compatible: "groq", or null */
    str base_url; /* as written, or the provider's or preset's default; without trailing slash */
    str *api_keys;
    unsigned api_key_count;
    str auth_header, auth_prefix; /* `auth:`; null: the provider's usual */
    str organization, project;
    bool forward_organization; /* the client's openai-organization and -project go on */
    enum provider_credentials credentials;
    str api_version;               /* azure */
    enum azure_style style;        /* azure */
    struct name_pair *deployments; /* azure: model -> deployment */
    unsigned deployment_count;
    enum provider_api api;
    unsigned num_ctx;          /* ollama: tokens of context; 0: the server's own */
    str keep_alive;            /* ollama: how long the model stays loaded; null: the server's own */
    struct vertex_conf vertex; /* gemini */
    struct entra_conf entra;   /* azure */
    str region;                /* bedrock */
    struct aws_conf aws;       /* bedrock */
    str *models;               /* listed by the operator; none: the provider is asked */
    unsigned model_count;
    struct name_pair *headers; /* added to each request */
    unsigned header_count;
    str *forward_headers; /* the client's fields with these names go on too */
    unsigned forward_header_count;
    struct timeouts_conf timeouts;
    struct pool_conf pool;
    struct provider_tls_conf tls;
    str proxy;         /* http://[user:password@]host:port, or null */
    bool stream_usage; /* ask for usage in streams (stream_options.include_usage) */
    bool discover;     /* ask the provider for its models */
    bool fetch_images; /* what is named by address, where it takes only bytes */

    /* Derived when the snapshot is made. */
    unsigned index; /* in gateway_conf.providers */
    struct endpoint endpoint;
    uint64_t credentials_hash; /* of all that its access tokens depend on */
    str base_path;             /* path part of base_url, without trailing slash; may be empty */
};

#endif
