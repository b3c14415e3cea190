/* `providers.<name>`, and the parts that `defaults` has too. */
#include "app/config_root.h"
#include "app/option_tables/kinds.h"
#include "app/option_tables/tables.h"

#define FIELD(field) OPTION_FIELD(struct provider_conf, field)
#define ARRAY(field, count) OPTION_ARRAY(struct provider_conf, field, count)
#define TIMEOUT(field) OPTION_FIELD(struct timeouts_conf, field), OPTION_RANGE(1, OPTION_DAY)
#define POOL(field) OPTION_FIELD(struct pool_conf, field)

/* Pairs are read as base's struct, and used as llm's. */
_Static_assert(sizeof(struct name_pair) == sizeof(struct option_pair) &&
                   offsetof(struct name_pair, value) == offsetof(struct option_pair, value),
               "both pairs have the same layout");

/* clang-format off */
static const struct option timeouts_rows[] = {
    {.name = "connect", .type = OPTION_DURATION, TIMEOUT(connect_ms), .initial = "2s",
     .help = "To a connection, TLS included; then 504 connect_timeout."},
    {.name = "first_byte", .type = OPTION_DURATION, TIMEOUT(first_byte_ms), .initial = "60s",
     .help = "From the request to the answer's beginning (for streams: to the first content)."},
    {.name = "idle", .type = OPTION_DURATION, TIMEOUT(idle_ms), .initial = "60s",
     .help = "Longest silence in the middle of an answer."},
    {.name = "total", .type = OPTION_DURATION, TIMEOUT(total_ms), .initial = "600s",
     .help = "A request with all its attempts."},
    {0}};
const struct option_table table_timeouts = {.what = "timeouts", .rows = timeouts_rows};

static const struct option pool_rows[] = {
    {.name = "max_connections", .type = OPTION_UINT, POOL(max_connections),
     OPTION_RANGE(0, 1000000), .initial = "0",
     .help = "Connections to the provider at once, all workers together; 0: no limit."},
    {.name = "max_idle", .type = OPTION_UINT, POOL(max_idle), OPTION_RANGE(0, 1000000),
     .initial = "256", .help = "Connections kept for later requests."},
    {.name = "queue", .type = OPTION_UINT, POOL(queue), OPTION_RANGE(0, 1000000),
     .initial = "1000", .help = "Requests that wait for a connection; more are answered 503."},
    {.name = "queue_timeout", .type = OPTION_DURATION, POOL(queue_timeout_ms),
     OPTION_RANGE(1, OPTION_DAY), .initial = "5s",
     .help = "Longest wait for a connection; then 503 queue_timeout."},
    {.name = "idle_timeout", .type = OPTION_DURATION, POOL(idle_timeout_ms),
     OPTION_RANGE(1, OPTION_DAY), .initial = "90s",
     .help = "An unused connection is closed after this time."},
    {.name = "max_age", .type = OPTION_DURATION, POOL(max_age_ms), OPTION_RANGE(0, 7 * OPTION_DAY),
     .initial = "0", .help = "A connection is not used again after this time; 0: no limit."},
    {.name = "keepalive", .type = OPTION_DURATION, POOL(keepalive_ms),
     OPTION_RANGE(0, OPTION_DAY), .initial = "60s",
     .help = "Pause before TCP keepalive probes, in whole seconds; 0: none."},
    OPTION_ROW_LATER("http2", "providers are asked over HTTP/1.1"),
    OPTION_ROW_LATER("warm_up", ""),
    {0}};
const struct option_table table_pool = {.what = "settings of connections", .rows = pool_rows};

static const struct option auth_rows[] = {
    {.name = "header", .type = OPTION_STRING, .min = 1, FIELD(auth_header),
     .check = check_header_name, .help = "Header that carries the key."},
    {.name = "prefix", .type = OPTION_STRING, FIELD(auth_prefix), .check = check_header_value,
     .help = "What stands before the key, as in Bearer; \"\": nothing."},
    {0}};
const struct option_table table_auth = {.what = "{header, prefix}", .rows = auth_rows};

static const struct option provider_tls_rows[] = {
    {.name = "ca", .type = OPTION_STRING, .min = 1, FIELD(tls.ca),
     .help = "PEM file of trusted authorities; default: the system's."},
    {.name = "certificate", .type = OPTION_STRING, .min = 1, FIELD(tls.certificate),
     .help = "PEM file of a client certificate."},
    {.name = "key", .type = OPTION_STRING, .min = 1, FIELD(tls.key),
     .help = "PEM file of its private key."},
    {.name = "verify", .type = OPTION_BOOL, FIELD(tls.verify), .initial = "true",
     .help = "Whether the provider's certificate and host name are checked."},
    {.name = "min_version", .type = OPTION_KIND, .kind = &kind_tls_version, FIELD(tls.min_version),
     .initial = "1.2", .help = "Oldest version of TLS accepted."},
    {0}};
const struct option_table table_provider_tls = {.what = "settings of TLS",
                                                .rows = provider_tls_rows};

static const struct option entra_rows[] = {
    {.name = "tenant", .type = OPTION_STRING, .min = 1, FIELD(entra.tenant),
     .help = "Tenant of the application, by id or domain; default AZURE_TENANT_ID."},
    {.name = "client_id", .type = OPTION_STRING, .min = 1, FIELD(entra.client_id),
     .help = "The application, or the managed identity; default AZURE_CLIENT_ID."},
    {.name = "client_secret", .type = OPTION_STRING, .flags = OPTION_SECRET, .min = 1,
     FIELD(entra.client_secret),
     .help = "Its secret; without one the token in AZURE_FEDERATED_TOKEN_FILE (workload identity)."},
    {.name = "managed_identity", .type = OPTION_BOOL, FIELD(entra.managed_identity),
     .initial = "false", .help = "The identity of the machine or app, instead of a secret."},
    {.name = "authority", .type = OPTION_STRING, .min = 1, FIELD(entra.authority),
     .check = check_secure_url,
     .help = "Who gives tokens; default AZURE_AUTHORITY_HOST or https://login.microsoftonline.com."},
    {.name = "scope", .type = OPTION_STRING, .min = 1, FIELD(entra.scope),
     .help = "What tokens are for; default https://ai.azure.com/.default."},
    {0}};
static const struct option_table table_entra = {.what = "settings of Entra ID", .rows = entra_rows};

static const struct option vertex_rows[] = {
    {.name = "project", .type = OPTION_STRING, .min = 1, FIELD(vertex.project),
     .check = check_path_segment, .help = "Project on Google Cloud; makes it Vertex AI."},
    {.name = "location", .type = OPTION_STRING, .min = 1, FIELD(vertex.location),
     .check = check_region, .help = "Where it is asked: global (the default), us, eu, or a region."},
    {.name = "credentials", .type = OPTION_STRING, .flags = OPTION_SECRET, .min = 1,
     FIELD(vertex.credentials),
     .help = "Key file of a service account (or of a user), or its JSON; default: as applications "
             "find theirs, the metadata server at last."},
    {0}};
static const struct option_table table_vertex = {.what = "settings of Vertex AI", .rows = vertex_rows};

static const struct option aws_rows[] = {
    {.name = "profile", .type = OPTION_STRING, .min = 1, FIELD(aws.profile),
     .help = "Profile in AWS's config and credentials files."},
    {.name = "access_key_id", .type = OPTION_STRING, .min = 1, FIELD(aws.access_key_id),
     .check = check_header_value, .help = "An access key; default: AWS's usual chain of credentials."},
    {.name = "secret_access_key", .type = OPTION_STRING, .flags = OPTION_SECRET, .min = 1,
     FIELD(aws.secret_access_key), .help = "Its secret."},
    {.name = "session_token", .type = OPTION_STRING, .flags = OPTION_SECRET, .min = 1,
     FIELD(aws.session_token), .check = check_header_value, .help = "Of a temporary access key."},
    {.name = "role", .type = OPTION_STRING, .min = 1, FIELD(aws.role),
     .help = "ARN of a role to assume with these, or with what the chain finds."},
    {.name = "external_id", .type = OPTION_STRING, .min = 1, FIELD(aws.external_id),
     .help = "External id that the role asks for."},
    {.name = "session_name", .type = OPTION_STRING, .min = 1, FIELD(aws.session_name),
     .help = "Name of the role's sessions; default llm-gateway."},
    {0}};
static const struct option_table table_aws = {.what = "settings of AWS", .rows = aws_rows};

static const char *const credentials_names[] = {"own", "passthrough", NULL};
static const char *const style_names[] = {"auto", "deployment", "v1", NULL};
static const char *const api_names[] = {"auto", "native", "openai", "chat", "responses", NULL};

static const struct option provider_rows[] = {
    {.name = "type", .type = OPTION_STRING, .flags = OPTION_REQUIRED, .min = 1, FIELD(type),
     .help = "What it is: openai, anthropic, gemini, azure, bedrock, cohere, vllm, ollama, together, "
             "openai-compatible or demo."},
    {.name = "preset", .type = OPTION_STRING, .min = 1, FIELD(preset),
     .help = "A vendor known by name, for openai-compatible: its base_url is filled in."},
    {.name = "base_url", .type = OPTION_STRING, .min = 1, FIELD(base_url),
     .help = "What the vendor's own SDK calls base URL, most often with /v1; or unix:/socket:/v1. "
             "Default: the type's or preset's."},
    {.name = "api_key", .type = OPTION_STRINGS, .flags = OPTION_SECRET | OPTION_ALIAS,
     ARRAY(api_keys, api_key_count), .check = check_secret,
     .help = "The provider's key, best as ${VARIABLE} or ${file:/path}."},
    {.name = "api_keys", .type = OPTION_STRINGS, .flags = OPTION_SECRET,
     ARRAY(api_keys, api_key_count), .check = check_secret,
     .help = "Several keys, used in turn; one that is refused rests."},
    {.name = "auth", .type = OPTION_SECTION, .table = &table_auth,
     .help = "How the key is sent, where it is not Bearer."},
    {.name = "organization", .type = OPTION_STRING, .min = 1, FIELD(organization),
     .check = check_header_value, .help = "openai: the OpenAI-Organization header."},
    {.name = "project", .type = OPTION_STRING, .min = 1, FIELD(project),
     .check = check_header_value, .help = "openai: the OpenAI-Project header."},
    {.name = "forward_organization", .type = OPTION_BOOL, FIELD(forward_organization),
     .initial = "false",
     .help = "Whether the client's OpenAI-Organization and OpenAI-Project go on to the provider."},
    {.name = "credentials", .type = OPTION_ENUM, .names = credentials_names, FIELD(credentials),
     .initial = "own",
     .help = "own: the gateway's key is used; passthrough: the client's goes on."},
    {.name = "api_version", .type = OPTION_STRING, .min = 1, FIELD(api_version),
     .help = "azure: the api-version of deployment paths; default 2024-10-21."},
    {.name = "style", .type = OPTION_ENUM, .names = style_names, FIELD(style), .initial = "auto",
     .help = "azure: paths by deployment, or /openai/v1; auto: as base_url ends."},
    {.name = "deployments", .type = OPTION_PAIRS, ARRAY(deployments, deployment_count), .min = 1,
     .help = "azure: model: deployment, where the names differ."},
    {.name = "api", .type = OPTION_ENUM, .names = api_names, FIELD(api), .initial = "auto",
     .help = "ollama: native (also by auto), or openai for its form under /v1.  openai, azure, vllm, "
             "openai-compatible: which API chats are translated to, chat or responses; auto: what "
             "the model wants."},
    {.name = "num_ctx", .type = OPTION_UINT, FIELD(num_ctx), OPTION_RANGE(0, 100000000),
     .initial = "0", .help = "ollama: tokens of context that a model is loaded with; 0: the "
     "server's own, which may be small and cuts prompts silently."},
    {.name = "keep_alive", .type = OPTION_STRING, .min = 1, FIELD(keep_alive),
     .help = "ollama: how long a model stays loaded, as 10m, or -1 for ever."},
    {.name = "region", .type = OPTION_STRING, .min = 1, FIELD(region), .check = check_region,
     .help = "bedrock: AWS's region; default AWS_REGION or AWS_DEFAULT_REGION."},
    {.name = "entra", .type = OPTION_SECTION, .table = &table_entra,
     .help = "azure: access tokens of Microsoft Entra ID, instead of api_key."},
    {.name = "vertex", .type = OPTION_SECTION, .table = &table_vertex,
     .help = "gemini: Vertex AI with Google's credentials, instead of api_key."},
    {.name = "aws", .type = OPTION_SECTION, .table = &table_aws,
     .help = "bedrock: how requests are signed, instead of api_key; default: AWS's usual chain of "
             "credentials."},
    {.name = "models", .type = OPTION_STRINGS, ARRAY(models, model_count),
     .check = check_model_name, .help = "Models it has; default: the provider is asked."},
    {.name = "discover", .type = OPTION_BOOL, FIELD(discover), .initial = "true",
     .help = "Whether a provider without `models` is asked for them."},
    {.name = "stream_usage", .type = OPTION_BOOL, FIELD(stream_usage), .initial = "true",
     .help = "Ask for token usage in streams; clients that did not ask do not see it."},
    {.name = "fetch_images", .type = OPTION_BOOL, FIELD(fetch_images), .initial = "true",
     .help = "Images and documents that clients name by address are fetched (see `fetch`) when the "
             "model takes only bytes; otherwise such requests are refused."},
    {.name = "headers", .type = OPTION_PAIRS, .flags = OPTION_SECRET,
     ARRAY(headers, header_count), .check = check_header_value, .check_name = check_header_name,
     .help = "Headers added to each request."},
    {.name = "forward_headers", .type = OPTION_STRINGS,
     ARRAY(forward_headers, forward_header_count), .check = check_header_name,
     .help = "Names of the client's headers that go on to the provider."},
    {.name = "timeouts", .type = OPTION_SECTION, .table = &table_timeouts, FIELD(timeouts),
     .help = "Default: `defaults.timeouts`."},
    {.name = "pool", .type = OPTION_SECTION, .table = &table_pool, FIELD(pool),
     .help = "Connections to the provider. Default: `defaults.pool`."},
    {.name = "tls", .type = OPTION_SECTION, .table = &table_provider_tls,
     .help = "How an https provider is trusted."},
    {.name = "proxy", .type = OPTION_STRING, .flags = OPTION_SECRET, .min = 1, FIELD(proxy),
     .help = "HTTP CONNECT proxy: http://[user:password@]host:port."},
    OPTION_ROW_LATER("limits", "pool.max_connections and pool.queue limit what runs at once"),
    OPTION_ROW_LATER("breaker", ""),
    OPTION_ROW_LATER("health", ""),
    OPTION_ROW_LATER("retry", "write it under models.<name> or defaults"),
    OPTION_ROW_LATER("unsupported", ""),
    {0}};
/* clang-format on */

static void provider_prepare(void *element, const void *root)
{
    struct provider_conf *p = element;
    const struct config_root *r = root;
    p->timeouts = r->defaults.timeouts;
    p->pool = r->defaults.pool;
}

const struct option_table table_provider = {
    .what = "a provider (type: …)",
    .size = sizeof(struct provider_conf),
    .name_offset = offsetof(struct provider_conf, name),
    .check_name = check_name,
    .rows = provider_rows,
    .prepare = provider_prepare,
};
