/* `models.<name>`: where a name goes. */
#include "app/config_root.h"
#include "app/option_tables/kinds.h"
#include "app/option_tables/tables.h"

#define FIELD(field) OPTION_FIELD(struct model_conf, field)
#define RETRY(field) OPTION_FIELD(struct retry_conf, field)

/* clang-format off */
static const struct option retry_rows[] = {
    {.name = "attempts", .type = OPTION_UINT, RETRY(attempts), OPTION_RANGE(0, 10), .initial = "2",
     .help = "More attempts on the same target, before anything was answered."},
    {.name = "total", .type = OPTION_UINT, RETRY(total), OPTION_RANGE(1, 20), .initial = "3",
     .help = "Attempts on all targets, the first one included."},
    {.name = "base", .type = OPTION_DURATION, RETRY(base_ms), OPTION_RANGE(0, OPTION_MINUTE),
     .initial = "100ms", .help = "Pause before the first retry on the same target; it doubles."},
    {.name = "max", .type = OPTION_DURATION, RETRY(max_ms), OPTION_RANGE(0, OPTION_HOUR),
     .initial = "10s", .help = "Longest such pause."},
    {.name = "jitter", .type = OPTION_PERCENT, RETRY(jitter_percent), OPTION_RANGE(0, 100),
     .initial = "25%", .help = "The pause varies by this much, up and down."},
    {.name = "retry_after_max", .type = OPTION_DURATION, RETRY(retry_after_max_ms),
     OPTION_RANGE(0, OPTION_HOUR), .initial = "5s",
     .help = "A provider's retry-after is waited for up to this; else the next target is asked."},
    {0}};
const struct option_table table_retry = {.what = "settings of retries", .rows = retry_rows};

static const struct option target_rows[] = {
    {.name = "provider", .type = OPTION_STRING, .flags = OPTION_REQUIRED, .min = 1,
     OPTION_FIELD(struct target_conf, provider_name), .help = "A name under `providers`."},
    {.name = "model", .type = OPTION_STRING, .initial = "*", .check = check_model_name,
     OPTION_FIELD(struct target_conf, model),
     .help = "The provider's name of the model; *: as the client said."},
    {.name = "weight", .type = OPTION_UINT, OPTION_RANGE(1, 1000000), .initial = "1",
     OPTION_FIELD(struct target_conf, weight),
     .help = "Share of the requests, for weighted and random."},
    OPTION_ROW_LATER("priority", "the order of the targets is their priority"),
    OPTION_ROW_LATER("limits", ""),
    OPTION_ROW_LATER("context", ""),
    OPTION_ROW_LATER("capabilities", ""),
    {0}};

static const char *target_parse(str text, void *element, struct arena *a)
{
    struct target_conf *t = element;
    str model = text;
    str provider = str_split(&model, '/');
    if (provider.len == 0 || model.len == 0)
        return "";
    t->provider_name = arena_str(a, provider);
    t->model = arena_str(a, model);
    if (str_is_null(t->provider_name) || str_is_null(t->model))
        return "out of memory";
    return check_model_name(model);
}

const struct option_table table_target = {
    .what = "a target: provider/model, or {provider, model, weight}",
    .size = sizeof(struct target_conf),
    .rows = target_rows,
    .parse = target_parse,
    .short_form = "provider/model",
};

static const char *const on_disconnect_names[] = {"cancel", "drain", NULL};

static const struct option model_rows[] = {
    {.name = "strategy", .type = OPTION_ENUM, .names = strategy_names, .later = strategy_later,
     FIELD(strategy), .initial = "round_robin",
     .help = "How a target is chosen. Default: `defaults.strategy`."},
    {.name = "targets", .type = OPTION_LIST, .flags = OPTION_REQUIRED, .table = &table_target,
     OPTION_ARRAY(struct model_conf, targets, target_count), .help = "Who may answer."},
    {.name = "early_headers", .type = OPTION_BOOL, FIELD(early_headers), .initial = "false",
     .help = "Streams begin at once, with comments, before the provider says anything: for models "
             "that think long. Errors then come inside the stream."},
    {.name = "on_disconnect", .type = OPTION_ENUM, .names = on_disconnect_names,
     FIELD(on_disconnect), .initial = "cancel",
     .help = "When the client leaves: cancel the provider's work, or drain its answer to the end."},
    {.name = "retry", .type = OPTION_SECTION, .table = &table_retry, FIELD(retry),
     .help = "Default: `defaults.retry`."},
    OPTION_ROW_LATER("fallbacks", "list several targets with strategy priority instead"),
    OPTION_ROW_LATER("fallback_on", ""),
    OPTION_ROW_LATER("hedge", ""),
    OPTION_ROW_LATER("continue_streams", ""),
    OPTION_ROW_LATER("cache", ""),
    OPTION_ROW_LATER("limits", ""),
    OPTION_ROW_LATER("budgets", ""),
    OPTION_ROW_LATER("breaker", ""),
    OPTION_ROW_LATER("health", ""),
    OPTION_ROW_LATER("split", "use strategy weighted"),
    OPTION_ROW_LATER("mirror", ""),
    OPTION_ROW_LATER("on_exhausted", ""),
    {.name = "unsupported", .type = OPTION_ENUM, .names = unsupported_names, FIELD(unsupported),
     .initial = "by_class", .help = "Default: `defaults.unsupported`."},
    OPTION_ROW_LATER("api", ""),
    {0}};
/* clang-format on */

static void model_prepare(void *element, const void *root)
{
    struct model_conf *m = element;
    const struct config_root *r = root;
    m->strategy = r->defaults.strategy;
    m->retry = r->defaults.retry;
    m->unsupported = r->defaults.unsupported;
}

/* "claude/claude-sonnet-4-5": one target and nothing else. */
static const char *model_parse(str text, void *element, struct arena *a)
{
    struct model_conf *m = element;
    m->targets = arena_zalloc(a, sizeof(*m->targets));
    if (!m->targets)
        return "out of memory";
    m->target_count = 1;
    m->targets[0].weight = 1;
    return target_parse(text, &m->targets[0], a);
}

const struct option_table table_model = {
    .what = "a model: provider/model, or {targets: [provider/model, …]}",
    .size = sizeof(struct model_conf),
    .name_offset = offsetof(struct model_conf, name),
    .check_name = check_model_name,
    .rows = model_rows,
    .parse = model_parse,
    .short_form = "provider/model",
    .prepare = model_prepare,
};
