/* The top of the file, and the sections over struct config_root. */
#include "app/config_root.h"
#include "app/option_tables/kinds.h"
#include "app/option_tables/tables.h"

#define FIELD(field) OPTION_FIELD(struct config_root, field)
#define ARRAY(field, count) OPTION_ARRAY(struct config_root, field, count)

/* clang-format off */
static const struct option server_rows[] = {
    {.name = "max_connections", .type = OPTION_UINT, FIELD(conf.server.max_connections),
     OPTION_RANGE(1, 10000000), .initial = "65536",
     .help = "Client connections at once, all workers together; more are refused."},
    {.name = "max_body", .type = OPTION_SIZE, FIELD(conf.server.max_body),
     OPTION_RANGE(OPTION_KIB, 4 * OPTION_GIB), .initial = "32MiB",
     .help = "Decoded bytes of a request body that is held (JSON); more is answered 413."},
    {.name = "max_upload", .type = OPTION_SIZE, FIELD(conf.server.max_upload), .initial = "0",
     .help = "Bytes of a request body that is streamed (files, audio); 0: no limit."},
    {.name = "max_header", .type = OPTION_SIZE, FIELD(conf.server.max_header),
     OPTION_RANGE(OPTION_KIB, OPTION_MIB), .initial = "64KiB",
     .help = "Bytes of a request's head; more is answered 431."},
    {.name = "max_headers", .type = OPTION_UINT, FIELD(conf.server.max_headers),
     OPTION_RANGE(10, 10000), .initial = "100",
     .help = "Header fields of a request; more is answered 431."},
    {.name = "header_timeout", .type = OPTION_DURATION, FIELD(conf.server.header_timeout_ms),
     OPTION_RANGE(100, OPTION_HOUR), .initial = "10s",
     .help = "A request's head must be complete in this time."},
    {.name = "body_timeout", .type = OPTION_DURATION, FIELD(conf.server.body_timeout_ms),
     OPTION_RANGE(100, OPTION_DAY), .initial = "60s",
     .help = "Longest pause between two pieces of a request's body."},
    {.name = "idle_timeout", .type = OPTION_DURATION, FIELD(conf.server.idle_timeout_ms),
     OPTION_RANGE(100, OPTION_DAY), .initial = "75s",
     .help = "A connection without a request is closed after this time."},
    {.name = "drain_timeout", .type = OPTION_DURATION, FIELD(conf.server.drain_timeout_ms),
     OPTION_RANGE(0, OPTION_DAY), .initial = "30s",
     .help = "After SIGTERM running requests have this long to finish."},
    {.name = "keepalive_comment", .type = OPTION_DURATION, FIELD(conf.server.keepalive_comment_ms),
     OPTION_RANGE(0, OPTION_HOUR), .initial = "15s",
     .help = "A silent stream gets a comment line this often; 0: never."},
    {.name = "client_stall", .type = OPTION_DURATION, FIELD(conf.server.client_stall_ms),
     OPTION_RANGE(100, OPTION_DAY), .initial = "60s",
     .help = "A client that takes nothing of its answer for this long is cut."},
    {.name = "stream_buffer", .type = OPTION_SIZE, FIELD(conf.server.stream_buffer),
     OPTION_RANGE(16 * OPTION_KIB, 64 * OPTION_MIB), .initial = "256KiB",
     .help = "Bytes that wait for a slow client before reading from the provider pauses."},
    {.name = "max_event", .type = OPTION_SIZE, FIELD(conf.max_event),
     OPTION_RANGE(4 * OPTION_KIB, OPTION_GIB), .initial = "8MiB",
     .help = "Bytes of one event of a provider's stream; a larger one ends the stream."},
    {.name = "half_close", .type = OPTION_BOOL, FIELD(conf.server.half_close), .initial = "false",
     .help = "Whether a client that closes its sending side after the request still wants the "
             "answer; otherwise this cancels it."},
    {.name = "trusted_proxies", .type = OPTION_KINDS, .kind = &kind_network,
     ARRAY(conf.trusted_proxies, conf.trusted_proxy_count),
     .help = "Networks of proxies whose X-Forwarded-For is believed."},
    {.name = "cors", .type = OPTION_SECTION, .table = &table_cors,
     .help = "Answers to browsers of other origins."},
    OPTION_ROW_LATER("max_streams", "it limits HTTP/2 streams"),
    OPTION_ROW_LATER("proxy_protocol", ""),
    {0}};
const struct option_table table_server = {.what = "the server's settings", .rows = server_rows};

static const struct option cors_rows[] = {
    {.name = "origins", .type = OPTION_STRINGS, ARRAY(conf.cors.origins, conf.cors.origin_count),
     .check = check_origin,
     .help = "Origins that may call from a browser, or *; none: no CORS headers."},
    {.name = "max_age", .type = OPTION_DURATION, FIELD(conf.cors.max_age_ms),
     OPTION_RANGE(0, OPTION_DAY), .initial = "10m",
     .help = "How long browsers may remember a preflight answer."},
    {0}};
const struct option_table table_cors = {.what = "settings of CORS", .rows = cors_rows};

static const struct option tls_pair_rows[] = {
    {.name = "certificate", .type = OPTION_STRING, .flags = OPTION_REQUIRED, .min = 1,
     OPTION_FIELD(struct tls_pair_conf, certificate),
     .help = "PEM file with the certificate and its chain."},
    {.name = "key", .type = OPTION_STRING, .flags = OPTION_REQUIRED, .min = 1,
     OPTION_FIELD(struct tls_pair_conf, key), .help = "PEM file with the private key."},
    {0}};
const struct option_table table_tls_pair = {
    .what = "{certificate: file, key: file}",
    .size = sizeof(struct tls_pair_conf),
    .rows = tls_pair_rows};

static const char *const client_auth_names[] = {"none", "optional", "required", NULL};

static const struct option tls_rows[] = {
    {.name = "certificate", .type = OPTION_STRING, .flags = OPTION_ALIAS, .min = 1,
     FIELD(tls_one.certificate),
     .help = "PEM file with the certificate and its chain; with it, listeners speak TLS."},
    {.name = "key", .type = OPTION_STRING, .flags = OPTION_ALIAS, .min = 1, FIELD(tls_one.key),
     .help = "PEM file with the private key."},
    {.name = "certificates", .type = OPTION_LIST, .table = &table_tls_pair,
     ARRAY(conf.tls.pairs, conf.tls.pair_count),
     .help = "Several certificates, chosen by the name that the client asks for (SNI); the first "
             "is the default."},
    {.name = "client_ca", .type = OPTION_STRING, .min = 1, FIELD(conf.tls.client_ca),
     .help = "PEM file with the authorities of client certificates."},
    {.name = "client_auth", .type = OPTION_ENUM, .names = client_auth_names,
     FIELD(conf.tls.client_auth), .initial = "none",
     .help = "Whether clients show a certificate."},
    {.name = "min_version", .type = OPTION_KIND, .kind = &kind_tls_version,
     FIELD(conf.tls.min_version), .initial = "1.2", .help = "Oldest version of TLS accepted."},
    {0}};
const struct option_table table_tls = {.what = "settings of TLS", .rows = tls_rows};

static const struct option admin_rows[] = {
    {.name = "enabled", .type = OPTION_BOOL, FIELD(conf.admin_enabled), .initial = "true",
     .flags = OPTION_RESTART, .help = "Whether there is an operator's listener at all."},
    {.name = "listen", .type = OPTION_KIND, .kind = &kind_address, FIELD(conf.admin_listen),
     .initial = "127.0.0.1:9090", .flags = OPTION_RESTART,
     .help = "Address of health and metrics for operators; beyond loopback it needs a token."},
    {.name = "token", .type = OPTION_STRING, .flags = OPTION_SECRET, .check = check_own_secret,
     FIELD(conf.admin_token),
     .help = "What operators send as Bearer token, at least 16 characters."},
    {0}};
const struct option_table table_admin = {.what = "the operator's listener", .rows = admin_rows};

/* In the order of enum log_level. */
static const char *const log_level_names[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_format_names[] = {"auto", "json", "text", NULL};

static const struct option log_rows[] = {
    {.name = "level", .type = OPTION_ENUM, .names = log_level_names, FIELD(conf.log.level),
     .initial = "info", .help = "Least important messages that are written."},
    {.name = "format", .type = OPTION_ENUM, .names = log_format_names, FIELD(conf.log.format),
     .initial = "auto", .help = "JSON lines, or text; auto: text on a terminal, JSON elsewhere."},
    {.name = "file", .type = OPTION_STRING, .min = 1, FIELD(conf.log.file),
     .help = "File for messages, reopened on SIGUSR1; default: standard error."},
    {.name = "access", .type = OPTION_BOOL, FIELD(conf.log.access), .initial = "true",
     .help = "A line for each request."},
    {.name = "access_file", .type = OPTION_STRING, .min = 1, FIELD(conf.log.access_file),
     .help = "File for those lines; default: where messages go."},
    OPTION_ROW_LATER("content", "prompts and answers are never logged"),
    OPTION_ROW_LATER("syslog", ""),
    OPTION_ROW_LATER("audit", ""),
    {0}};
const struct option_table table_log = {.what = "settings of the log", .rows = log_rows};

static const struct option fetch_rows[] = {
    {.name = "max_size", .type = OPTION_SIZE, FIELD(conf.fetch.max_size),
     OPTION_RANGE(OPTION_KIB, 256 * OPTION_MIB), .initial = "20MiB", .help = "Largest one."},
    {.name = "max_count", .type = OPTION_UINT, FIELD(conf.fetch.max_count), OPTION_RANGE(0, 1000),
     .initial = "20", .help = "Most of one request; 0: none."},
    {.name = "timeout", .type = OPTION_DURATION, FIELD(conf.fetch.timeout_ms),
     OPTION_RANGE(100, OPTION_HOUR), .initial = "15s", .help = "For all of a request."},
    {.name = "networks", .type = OPTION_KINDS, .kind = &kind_network,
     ARRAY(conf.fetch.networks, conf.fetch.network_count),
     .help = "Networks that may be asked although they are not public: whoever may use the gateway "
             "can then see what is there."},
    {.name = "ca", .type = OPTION_STRING, .min = 1, FIELD(conf.fetch.ca),
     .help = "PEM file of trusted authorities; default: the system's."},
    {0}};
static const struct option_table table_fetch = {.what = "settings of fetching",
                                                .rows = fetch_rows};

const char *const strategy_names[] = {"round_robin", "weighted", "random", "priority", NULL};
const char *const strategy_later[] = {"least_connections", "p2c", "latency", "cost", "usage",
                                      "adaptive", "prefix", "hash", NULL};

const char *const unsupported_names[] = {"by_class", "strict", "report", NULL};

static const struct option defaults_rows[] = {
    {.name = "strategy", .type = OPTION_ENUM, .names = strategy_names, .later = strategy_later,
     FIELD(defaults.strategy), .initial = "round_robin",
     .help = "How models without a `strategy` choose among their targets."},
    {.name = "timeouts", .type = OPTION_SECTION, .table = &table_timeouts, FIELD(defaults.timeouts),
     .help = "For providers without their own."},
    {.name = "pool", .type = OPTION_SECTION, .table = &table_pool, FIELD(defaults.pool),
     .help = "For providers without their own."},
    {.name = "retry", .type = OPTION_SECTION, .table = &table_retry, FIELD(defaults.retry),
     .help = "For models without their own."},
    OPTION_ROW_LATER("breaker", ""),
    OPTION_ROW_LATER("health", ""),
    OPTION_ROW_LATER("fallbacks", "list several targets in one model instead"),
    {.name = "unsupported", .type = OPTION_ENUM, .names = unsupported_names,
     FIELD(defaults.unsupported), .initial = "by_class",
     .help = "Fields that a target of another format cannot express. by_class: an error when they "
             "change the answer, else left out and named in x-gateway-unsupported; strict: always "
             "an error; report: always left out and named."},
    {0}};
const struct option_table table_defaults = {.what = "what providers and models inherit",
                                            .rows = defaults_rows};

static const struct option gateway_rows[] = {
    {.name = "listen", .type = OPTION_KINDS, .kind = &kind_address,
     ARRAY(conf.listen, conf.listen_count), .initial = "127.0.0.1:8080",
     .help = "Address that clients use, or a list of them."},
    {.name = "tls", .type = OPTION_SECTION, .table = &table_tls,
     .help = "Certificates of the listeners; without any they are plain."},
    {.name = "workers", .type = OPTION_KIND, .kind = &kind_workers, FIELD(conf.workers),
     .initial = "auto", .flags = OPTION_RESTART,
     .help = "Event loops; auto: one for each processor core."},
    {.name = "allow_anonymous", .type = OPTION_BOOL, FIELD(conf.allow_anonymous),
     .initial = "false", .help = "Serve beyond loopback although there are no `keys`."},
    {.name = "watch", .type = OPTION_BOOL, FIELD(conf.watch), .initial = "false",
     .help = "Reload when the file changes."},
    {.name = "admin", .type = OPTION_SECTION, .table = &table_admin,
     .help = "The operator's listener."},
    {.name = "server", .type = OPTION_SECTION, .table = &table_server,
     .help = "How clients are served."},
    {.name = "defaults", .type = OPTION_SECTION, .table = &table_defaults,
     .help = "What providers and models inherit."},
    {.name = "providers", .type = OPTION_MAP, .table = &table_provider,
     ARRAY(conf.providers, conf.provider_count), .help = "Accounts at vendors, and own servers."},
    {.name = "models", .type = OPTION_MAP, .table = &table_model,
     ARRAY(conf.models, conf.model_count),
     .help = "Names that clients use, and where they go; a name may be a glob. Clients may also "
             "say provider/model."},
    {.name = "keys", .type = OPTION_MAP, .table = &table_key, ARRAY(conf.keys, conf.key_count),
     .help = "Keys of clients, by name. With any, a request needs one."},
    {.name = "log", .type = OPTION_SECTION, .table = &table_log,
     .help = "Messages and the access log."},
    {.name = "fetch", .type = OPTION_SECTION, .table = &table_fetch,
     .help = "Images and documents that clients name by address, for models that take only bytes: "
             "fetched by https, from public addresses."},
    OPTION_ROW_LATER("rules", ""),
    OPTION_ROW_LATER("limits", ""),
    OPTION_ROW_LATER("cache", ""),
    OPTION_ROW_LATER("prices", ""),
    OPTION_ROW_LATER("catalogue", ""),
    OPTION_ROW_LATER("metrics", "they are always on, at /metrics"),
    OPTION_ROW_LATER("tracing", ""),
    OPTION_ROW_LATER("storage", ""),
    OPTION_ROW_LATER("redis", ""),
    OPTION_ROW_LATER("budgets", ""),
    OPTION_ROW_LATER("jwt", ""),
    {0}};
/* clang-format on */
const struct option_table table_gateway = {.what = "the configuration", .rows = gateway_rows};
