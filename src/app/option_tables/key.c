/* `keys.<name>`: who may use the gateway. */
#include "app/config_root.h"
#include "app/option_tables/kinds.h"
#include "app/option_tables/tables.h"

#define FIELD(field) OPTION_FIELD(struct key_conf, field)
#define ARRAY(field, count) OPTION_ARRAY(struct key_conf, field, count)

/* clang-format off */
static const struct option key_rows[] = {
    {.name = "key", .type = OPTION_KIND, .kind = &kind_key, FIELD(sha256),
     .flags = OPTION_SECRET | OPTION_ALIAS,
     .help = "The key itself, at least 16 characters; only its SHA-256 is kept."},
    {.name = "sha256", .type = OPTION_KIND, .kind = &kind_sha256, FIELD(sha256),
     .flags = OPTION_SECRET, .help = "Or the SHA-256 of the key, in hexadecimal."},
    {.name = "enabled", .type = OPTION_BOOL, FIELD(enabled), .initial = "true",
     .help = "Whether the key is accepted."},
    {.name = "tenant", .type = OPTION_STRING, .min = 1, .max = 256, FIELD(tenant),
     .help = "Whom it belongs to, for the log."},
    {.name = "user", .type = OPTION_STRING, .min = 1, .max = 256, FIELD(user),
     .help = "Who uses it, for the log."},
    {.name = "tags", .type = OPTION_STRINGS, ARRAY(tags, tag_count), .min = 1, .max = 256,
     .help = "For the log."},
    {.name = "models", .type = OPTION_STRINGS, ARRAY(models, model_count), .min = 1, .max = 256,
     .help = "Globs of models that it may use; none: all."},
    {.name = "models_denied", .type = OPTION_STRINGS, ARRAY(models_denied, models_denied_count),
     .min = 1, .max = 256, .help = "Globs of models that it may not use, whatever `models` says."},
    {.name = "endpoints", .type = OPTION_STRINGS, ARRAY(endpoints, endpoint_count), .min = 1,
     .check = check_endpoint_glob, .help = "Globs of endpoints that it may use, as in chat, audio_*; none: all."},
    {.name = "networks", .type = OPTION_KINDS, .kind = &kind_network,
     ARRAY(networks, network_count), .help = "Networks that it may be used from; none: all."},
    {.name = "expires", .type = OPTION_KIND, .kind = &kind_date, FIELD(expires_s),
     .help = "From this time on it is refused."},
    {.name = "metadata", .type = OPTION_PAIRS, ARRAY(metadata, metadata_count),
     .help = "Names and texts for the log."},
    OPTION_ROW_LATER("limits", ""),
    OPTION_ROW_LATER("budgets", ""),
    OPTION_ROW_LATER("budget", ""),
    OPTION_ROW_LATER("priority", ""),
    {0}};
/* clang-format on */

const struct option_table table_key = {
    .what = "a key: {key: secret} or {sha256: hex}",
    .size = sizeof(struct key_conf),
    .name_offset = offsetof(struct key_conf, name),
    .check_name = check_name,
    .rows = key_rows,
};
