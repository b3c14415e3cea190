/*
 * The rules of Anthropic's Messages API, as documented and as seen in its error texts: roles and pairs of
 * calls and results, members that are not known, what which model takes.
 */
#include "app/mock_messages.h"

#include <stdio.h>

enum { BUDGET_MIN = 1024, NAME_MAX_LENGTH = 64, MARKS_MAX = 4 };

static uint32_t member(const struct mock_question *q, uint32_t object, const char *name)
{
    return json_member(&q->doc, object, str_from_c(name));
}

static uint32_t field(const struct mock_question *q, const char *name)
{
    uint32_t node = member(q, JSON_ROOT, name);
    return json_is(&q->doc, node, JSON_NULL) ? JSON_NONE : node;
}

static bool says(const struct mock_question *q, uint32_t node, const char *text)
{
    return json_is(&q->doc, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

static bool is_type(const struct mock_question *q, uint32_t object, const char *type)
{
    return says(q, member(q, object, "type"), type);
}

/* The words live in the request's arena. */
static bool wrong(const struct mock_question *q, struct mock_error *e, const char *format, ...)
    printf_like(3, 4);

static bool wrong(const struct mock_question *q, struct mock_error *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(q->arena, format, args);
    va_end(args);
    *e = (struct mock_error){.status = 400, .message = text.len ? text.ptr : "invalid"};
    return false;
}

/* --- Models ------------------------------------------------------------------------------------------- */

enum sampling { SAMPLING_NONE, SAMPLING_ONE, SAMPLING_ANY };

static const struct rules {
    const char *glob;
    bool enabled, adaptive, disabled, effort, forced, prefill, mid_system, format;
    enum sampling sampling;
} models[] = {
    /*                     enabled adaptive disabled effort forced prefill mid_system format */
    {"claude-fable-5-*", false, true, false, true, false, false, true, true, SAMPLING_NONE},
    {"claude-mythos-5-*", false, true, false, true, false, false, true, true, SAMPLING_NONE},
    {"claude-fable-5", false, true, false, true, true, false, true, true, SAMPLING_NONE},
    {"claude-opus-5-5*", false, true, false, true, false, false, true, true, SAMPLING_NONE},
    {"claude-sonnet-5-5*", false, true, false, true, false, false, true, true, SAMPLING_NONE},
    {"claude-haiku-5-5*", false, true, true, true, true, false, true, true, SAMPLING_NONE},
    {"claude-opus-5*", false, true, true, true, true, false, true, true, SAMPLING_NONE},
    {"claude-sonnet-5*", false, true, true, true, true, false, true, true, SAMPLING_NONE},
    {"claude-opus-4-8*", false, true, true, true, true, false, true, true, SAMPLING_NONE},
    {"claude-opus-4-7*", false, true, true, true, true, false, false, true, SAMPLING_NONE},
    {"claude-*-4-6*", true, true, true, true, true, false, false, true, SAMPLING_ONE},
    {"claude-opus-4-5*", true, false, true, true, true, true, false, true, SAMPLING_ONE},
    {"claude-*-4-5*", true, false, true, false, true, true, false, true, SAMPLING_ONE},
    {"claude-*-4*", true, false, true, false, true, true, false, false, SAMPLING_ANY},
    {"claude-3*", false, false, true, false, true, true, false, false, SAMPLING_ANY},
    {"*", true, true, true, true, true, true, true, true, SAMPLING_ANY},
};

static const struct rules *rules_of(const struct mock_question *q)
{
    for (size_t i = 0; i < ARRAY_LEN(models) - 1; i++)
        if (str_glob(str_from_c(models[i].glob), q->model))
            return &models[i];
    return &models[ARRAY_LEN(models) - 1];
}

/* --- Members ------------------------------------------------------------------------------------------- */

static const char *const known_members[] = {
    "model",       "messages",       "system",          "tools",        "tool_choice",
    "thinking",    "output_config",  "cache_control",   "speed",        "context_management",
    "mcp_servers", "billing_policy", "max_tokens",      "stream",       "stop_sequences",
    "temperature", "top_p",          "top_k",           "metadata",     "service_tier",
    "container",   "inference_geo",  "diagnostics",     "fallbacks",    "fallback_credit_token",
    "thread",      "tags",           "user_profile_id", "output_format"};

enum { COUNTED_MEMBERS = 12 }; /* those in front are counted, too */

static bool judge_members(const struct mock_question *q, struct mock_error *e)
{
    size_t n = q->kind == ENDPOINT_MESSAGES_COUNT ? COUNTED_MEMBERS : ARRAY_LEN(known_members);
    JSON_EACH (name, &q->doc, JSON_ROOT) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = json_string_eq(&q->doc, name, str_from_c(known_members[i]));
        if (!known)
            return wrong(q, e, "%.*s: Extra inputs are not permitted",
                         STR_ARG(json_string_raw(&q->doc, name)));
    }
    return true;
}

static bool judge_sampling(const struct mock_question *q, const struct rules *r,
                           struct mock_error *e)
{
    static const char *const names[] = {"temperature", "top_p", "top_k"};
    bool newest =
        str_eq(head_known(&q->head->headers, HEADER_ANTHROPIC_VERSION), STR("2026-10-21"));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!field(q, names[i]))
            continue;
        if (newest)
            return wrong(q, e, "%s: Extra inputs are not permitted", names[i]);
        if (r->sampling == SAMPLING_NONE)
            return wrong(q, e, "`%s` is deprecated for this model", names[i]);
        if (is_type(q, field(q, "thinking"), "enabled"))
            return wrong(q, e, "`%s` may not be set when thinking is enabled", names[i]);
    }
    uint32_t t = field(q, "temperature");
    if (t && (!json_is(&q->doc, t, JSON_NUMBER) || json_to_double(json_raw(&q->doc, t)) > 1 ||
              json_to_double(json_raw(&q->doc, t)) < 0))
        return wrong(q, e, "temperature: range: 0..1");
    if (r->sampling == SAMPLING_ONE && t && field(q, "top_p"))
        return wrong(q, e, "`temperature` and `top_p` cannot both be specified for this model.");
    return true;
}

static int64_t whole(const struct mock_question *q, uint32_t node)
{
    int64_t n;
    if (!json_is(&q->doc, node, JSON_NUMBER) || !json_to_i64(json_raw(&q->doc, node), &n))
        return -1;
    return n;
}

static bool judge_thinking(const struct mock_question *q, const struct rules *r,
                           struct mock_error *e)
{
    uint32_t t = field(q, "thinking");
    int64_t budget = whole(q, member(q, t, "budget_tokens"));
    if (!t || (is_type(q, t, "adaptive") && r->adaptive) ||
        (is_type(q, t, "disabled") && r->disabled))
        return true;
    if (is_type(q, t, "between_tools") && str_glob(STR("*sonnet-5-5*"), q->model))
        return true;
    if (!is_type(q, t, "enabled") || !r->enabled)
        return wrong(q, e, "this type of thinking is not supported on this model");
    if (budget < BUDGET_MIN)
        return wrong(q, e,
                     "thinking.enabled.budget_tokens: Input should be greater than or equal "
                     "to 1024");
    if (q->kind == ENDPOINT_MESSAGES && budget >= whole(q, field(q, "max_tokens")))
        return wrong(q, e, "`max_tokens` must be greater than `thinking.budget_tokens`.");
    return true;
}

static bool judge_output(const struct mock_question *q, const struct rules *r, struct mock_error *e)
{
    static const char *const efforts[] = {"low", "medium", "high", "xhigh", "max"};
    uint32_t config = field(q, "output_config"), effort = member(q, config, "effort");
    uint32_t format = member(q, config, "format");
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(efforts); i++)
        known = known || says(q, effort, efforts[i]);
    if (json_is(&q->doc, effort, JSON_STRING) && (!known || !r->effort))
        return wrong(q, e, "This model does not support the effort parameter.");
    if (!json_is(&q->doc, format, JSON_OBJECT))
        return true;
    if (!r->format)
        return wrong(q, e, "output_config.format: not supported on this model");
    uint32_t schema = member(q, format, "schema");
    if (is_type(q, schema, "object") &&
        !json_is(&q->doc, member(q, schema, "additionalProperties"), JSON_FALSE))
        return wrong(q, e,
                     "output_config.format.schema: For 'object' type, 'additionalProperties' "
                     "must be explicitly set to false");
    return true;
}

/* --- Tools ------------------------------------------------------------------------------------------- */

static bool is_name(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0 && s.len <= NAME_MAX_LENGTH;
}

static str raw(const struct mock_question *q, uint32_t node)
{
    return json_is(&q->doc, node, JSON_STRING) ? json_string_raw(&q->doc, node) : STR_NULL;
}

static bool judge_tools(const struct mock_question *q, struct mock_error *e)
{
    unsigned i = 0;
    JSON_EACH (tool, &q->doc, field(q, "tools")) {
        uint32_t type = member(q, tool, "type");
        bool custom = !json_is(&q->doc, type, JSON_STRING) || says(q, type, "custom");
        if (!is_name(raw(q, member(q, tool, "name"))))
            return wrong(q, e,
                         "tools.%u.custom.name: String should match pattern "
                         "'^[a-zA-Z0-9_-]{1,64}$'",
                         i);
        if (custom && !is_type(q, member(q, tool, "input_schema"), "object"))
            return wrong(q, e, "tools.%u.custom.input_schema.type: Field required", i);
        i++;
    }
    return true;
}

static bool judge_choice(const struct mock_question *q, const struct rules *r, struct mock_error *e)
{
    uint32_t choice = field(q, "tool_choice");
    bool forced = is_type(q, choice, "any") || is_type(q, choice, "tool");
    if (!choice)
        return true;
    if (!forced && !is_type(q, choice, "auto") && !is_type(q, choice, "none"))
        return wrong(q, e, "tool_choice: Input tag does not match any of the expected tags");
    if (!json_count(&q->doc, field(q, "tools")))
        return wrong(q, e, "tool_choice: may only be specified while providing tools");
    if (forced && !r->forced)
        return wrong(q, e,
                     "tool_choice: type \"tool\" and \"any\" are not supported for this model");
    if (forced && is_type(q, field(q, "thinking"), "enabled"))
        return wrong(q, e, "Thinking may not be enabled when tool_choice forces tool use.");
    if (is_type(q, choice, "none") && member(q, choice, "disable_parallel_tool_use"))
        return wrong(q, e,
                     "tool_choice.none.disable_parallel_tool_use: Extra inputs are not "
                     "permitted");
    return true;
}

/* --- Messages ---------------------------------------------------------------------------------------- */

static bool is_blank(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len && strchr("nrt", s.ptr[i + 1]))
            i++;
        else if (s.ptr[i] != ' ')
            return false;
    }
    return true;
}

struct judging { /* where we are */
    const struct mock_question *q;
    struct mock_error *e;
    const struct rules *rules;
    uint32_t before; /* the message in front; JSON_NONE: none */
    unsigned message, block;
    unsigned marks;
};

static bool judge_signature(struct judging *j, uint32_t block)
{
    const struct mock_question *q = j->q;
    str text = STR_NULL, signature = STR_NULL;
    uint32_t t = member(q, block, "thinking"), s = member(q, block, "signature");
    if (json_is(&q->doc, t, JSON_STRING) && json_is(&q->doc, s, JSON_STRING) &&
        !json_string_decode(&q->doc, t, q->arena, &text) &&
        !json_string_decode(&q->doc, s, q->arena, &signature) &&
        mock_signature_is_good(signature, text.len ? text : STR_NULL))
        return true;
    return wrong(q, j->e, "messages.%u.content.%u: Invalid `signature` in `thinking` block",
                 j->message, j->block);
}

/* Whether a message has a block of the type whose `key` says `id`; id null: any. */
static bool has_block(const struct mock_question *q, uint32_t message, const char *type,
                      const char *key, str id)
{
    JSON_EACH (block, &q->doc, member(q, message, "content")) {
        if (is_type(q, block, type) &&
            (str_is_null(id) || str_eq(raw(q, member(q, block, key)), id)))
            return true;
    }
    return false;
}

static bool judge_media(struct judging *j, uint32_t block)
{
    const struct mock_question *q = j->q;
    uint32_t source = member(q, block, "source");
    if (is_type(q, source, "base64") &&
        (str_find_byte(raw(q, member(q, source, "data")), ':') >= 0 ||
         !raw(q, member(q, source, "media_type")).len))
        return wrong(q, j->e, "messages.%u.content.%u.source.base64: invalid base64 data",
                     j->message, j->block);
    if (is_type(q, source, "url") && !str_starts(raw(q, member(q, source, "url")), STR("https:")))
        return wrong(q, j->e, "messages.%u.content.%u.source.url: Only HTTPS URLs are supported.",
                     j->message, j->block);
    return json_is(&q->doc, source, JSON_OBJECT) ||
           wrong(q, j->e, "messages.%u.content.%u.source: Field required", j->message, j->block);
}

static bool judge_call(struct judging *j, uint32_t block)
{
    const struct mock_question *q = j->q;
    if (!is_name(raw(q, member(q, block, "id"))))
        return wrong(q, j->e,
                     "messages.%u.content.%u.tool_use.id: String should match pattern "
                     "'^[a-zA-Z0-9_-]+$'",
                     j->message, j->block);
    if (!json_is(&q->doc, member(q, block, "input"), JSON_OBJECT))
        return wrong(q, j->e,
                     "messages.%u.content.%u.tool_use.input: Input should be a valid "
                     "dictionary",
                     j->message, j->block);
    return true;
}

static bool judge_result(struct judging *j, uint32_t block, bool after_others)
{
    const struct mock_question *q = j->q;
    str id = raw(q, member(q, block, "tool_use_id"));
    if (!id.len || !has_block(q, j->before, "tool_use", "id", id))
        return wrong(q, j->e,
                     "messages.%u.content.%u: unexpected `tool_use_id` found in "
                     "`tool_result` blocks: %.*s",
                     j->message, j->block, STR_ARG(id));
    if (after_others)
        return wrong(q, j->e, "messages.%u: `tool_result` blocks must come first", j->message);
    return true;
}

static bool judge_text(struct judging *j, uint32_t block)
{
    str text = raw(j->q, member(j->q, block, "text"));
    if (str_is_null(text))
        return wrong(j->q, j->e, "messages.%u.content.%u.text.text: Field required", j->message,
                     j->block);
    return !is_blank(text) ||
           wrong(j->q, j->e, "messages: text content blocks must contain non-whitespace text");
}

static bool judge_block(struct judging *j, uint32_t block, const char *role, bool after_others)
{
    static const struct {
        const char *type, *roles;
    } kinds[] = {
        {"text", "user assistant system"},
        {"image", "user"},
        {"document", "user"},
        {"search_result", "user"},
        {"tool_result", "user"},
        {"tool_use", "assistant"},
        {"thinking", "assistant"},
        {"redacted_thinking", "assistant"},
        {"server_tool_use", "assistant"},
        {"web_search_tool_result", "assistant"},
    };
    const struct mock_question *q = j->q;
    const char *roles = NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !roles; i++)
        if (is_type(q, block, kinds[i].type))
            roles = kinds[i].roles;
    if (!roles || !strstr(roles, role))
        return wrong(q, j->e,
                     "messages.%u.content.%u: Input tag does not match any of the "
                     "expected tags",
                     j->message, j->block);
    if (json_is(&q->doc, member(q, block, "cache_control"), JSON_OBJECT))
        j->marks++;
    if (is_type(q, block, "text"))
        return judge_text(j, block);
    if (is_type(q, block, "tool_use"))
        return judge_call(j, block);
    if (is_type(q, block, "tool_result"))
        return judge_result(j, block, after_others);
    if (is_type(q, block, "thinking"))
        return judge_signature(j, block);
    if (is_type(q, block, "image") || is_type(q, block, "document"))
        return judge_media(j, block);
    return true;
}

static bool judge_content(struct judging *j, uint32_t message, const char *role)
{
    const struct mock_question *q = j->q;
    uint32_t content = member(q, message, "content");
    bool others = false;
    j->block = 0;
    if (json_is(&q->doc, content, JSON_STRING))
        return !is_blank(raw(q, content)) ||
               wrong(q, j->e, "messages.%u: user messages must have non-empty content", j->message);
    if (!json_is(&q->doc, content, JSON_ARRAY) || !json_count(&q->doc, content))
        return wrong(q, j->e, "messages.%u: all messages must have non-empty content", j->message);
    JSON_EACH (block, &q->doc, content) {
        if (!judge_block(j, block, role, others))
            return false;
        others = others || !is_type(q, block, "tool_result");
        j->block++;
    }
    return true;
}

/* Each call of the message in front has its result here. */
static bool judge_pairs(struct judging *j, uint32_t message)
{
    const struct mock_question *q = j->q;
    JSON_EACH (block, &q->doc, member(q, j->before, "content")) {
        str id = raw(q, member(q, block, "id"));
        if (is_type(q, block, "tool_use") &&
            (message == JSON_NONE || !has_block(q, message, "tool_result", "tool_use_id", id)))
            return wrong(q, j->e,
                         "messages.%u: `tool_use` ids were found without `tool_result` "
                         "blocks immediately after: %.*s",
                         j->message ? j->message - 1 : 0, STR_ARG(id));
    }
    return true;
}

static const char *role_of(const struct mock_question *q, uint32_t message)
{
    static const char *const roles[] = {"user", "assistant", "system"};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (says(q, member(q, message, "role"), roles[i]))
            return roles[i];
    return NULL;
}

static bool judge_role(struct judging *j, uint32_t message, const char **role)
{
    const struct mock_question *q = j->q;
    *role = role_of(q, message);
    if (!*role)
        return wrong(q, j->e, "messages.%u.role: Input should be 'user' or 'assistant'",
                     j->message);
    if (strcmp(*role, "system") == 0 && !j->rules->mid_system)
        return wrong(q, j->e, "role 'system' is not supported on this model");
    if (j->before == JSON_NONE && strcmp(*role, "user") != 0)
        return wrong(q, j->e, "messages: first message must use the \"user\" role");
    if (j->before && strcmp(role_of(q, j->before), "system") == 0 && strcmp(*role, "user") == 0)
        return wrong(q, j->e,
                     "messages.%u: a system message must be last or be followed by an "
                     "assistant message",
                     j->message - 1);
    return true;
}

static bool judge_last(struct judging *j)
{
    const struct mock_question *q = j->q;
    if (!says(q, member(q, j->before, "role"), "assistant"))
        return true;
    if (!j->rules->prefill)
        return wrong(q, j->e,
                     "This model does not support assistant message prefill. The "
                     "conversation must end with a user message.");
    str text = raw(q, member(q, j->before, "content"));
    JSON_EACH (block, &q->doc, member(q, j->before, "content"))
        text = raw(q, member(q, block, "text"));
    if (text.len && (text.ptr[text.len - 1] == ' ' || str_ends(text, STR("\\n"))))
        return wrong(q, j->e,
                     "messages: final assistant content cannot end with trailing "
                     "whitespace");
    return judge_pairs(j, JSON_NONE);
}

/* With a budget the turn whose calls are being answered begins with its thoughts. */
static bool judge_loop(struct judging *j)
{
    const struct mock_question *q = j->q;
    uint32_t calls = JSON_NONE, last = JSON_NONE;
    if (!is_type(q, field(q, "thinking"), "enabled"))
        return true;
    JSON_EACH (m, &q->doc, field(q, "messages")) {
        if (says(q, member(q, m, "role"), "assistant"))
            calls = m;
        last = m;
    }
    uint32_t first = json_is(&q->doc, member(q, calls, "content"), JSON_ARRAY)
                         ? json_first(&q->doc, member(q, calls, "content"))
                         : JSON_NONE;
    if (!has_block(q, last, "tool_result", "", STR_NULL) || is_type(q, first, "thinking") ||
        is_type(q, first, "redacted_thinking"))
        return true;
    return wrong(q, j->e,
                 "messages: Expected `thinking` or `redacted_thinking`, but found "
                 "`tool_use`");
}

static bool judge_messages(struct judging *j)
{
    const struct mock_question *q = j->q;
    uint32_t messages = field(q, "messages");
    if (!json_is(&q->doc, messages, JSON_ARRAY))
        return wrong(q, j->e, "messages: Field required");
    if (!json_count(&q->doc, messages))
        return wrong(q, j->e, "messages: at least one message is required");
    JSON_EACH (message, &q->doc, messages) {
        const char *role;
        if (!judge_role(j, message, &role) || !judge_pairs(j, message) ||
            !judge_content(j, message, role))
            return false;
        j->before = message;
        j->message++;
    }
    return judge_last(j) && judge_loop(j);
}

static void count_marks(struct judging *j, uint32_t list)
{
    JSON_EACH (one, &j->q->doc, list)
        j->marks += json_is(&j->q->doc, member(j->q, one, "cache_control"), JSON_OBJECT);
}

/* --- All of it ---------------------------------------------------------------------------------------- */

static bool judge_head(const struct mock_question *q, struct mock_error *e)
{
    str version = head_known(&q->head->headers, HEADER_ANTHROPIC_VERSION);
    if (!str_eq(version, STR("2023-06-01")) && !str_eq(version, STR("2026-10-21")))
        return wrong(q, e, "anthropic-version: header is required");
    return true;
}

bool mock_messages_judge(const struct mock_question *q, struct mock_error *e)
{
    const struct rules *r = rules_of(q);
    struct judging j = {.q = q, .e = e, .rules = r};
    if (!judge_head(q, e) || !judge_members(q, e))
        return false;
    if (!q->model.len)
        return wrong(q, e, "model: Field required");
    if (q->kind == ENDPOINT_MESSAGES && !field(q, "max_tokens"))
        return wrong(q, e, "max_tokens: Field required");
    if (q->kind == ENDPOINT_MESSAGES && whole(q, field(q, "max_tokens")) < 0)
        return wrong(q, e, "max_tokens: Input should be a valid integer");
    count_marks(&j, field(q, "system"));
    count_marks(&j, field(q, "tools"));
    if (!judge_messages(&j) || !judge_tools(q, e) || !judge_choice(q, r, e) ||
        !judge_thinking(q, r, e) || !judge_output(q, r, e) || !judge_sampling(q, r, e))
        return false;
    return j.marks <= MARKS_MAX ||
           wrong(q, e, "A maximum of 4 blocks with cache_control may be provided. Found %u.",
                 j.marks);
}

/* --- Wishes ------------------------------------------------------------------------------------------- */

void mock_messages_wish(const struct mock_question *q, struct mock_messages_wish *w)
{
    uint32_t thinking = field(q, "thinking"), choice = field(q, "tool_choice"), last = JSON_NONE;
    int64_t most = whole(q, field(q, "max_tokens"));
    *w = (struct mock_messages_wish){0};
    w->thinks = is_type(q, thinking, "enabled") || is_type(q, thinking, "adaptive");
    w->forced = is_type(q, choice, "any") || is_type(q, choice, "tool");
    if (is_type(q, choice, "tool"))
        w->only = raw(q, member(q, choice, "name"));
    w->json = json_is(&q->doc, member(q, field(q, "output_config"), "format"), JSON_OBJECT);
    JSON_EACH (m, &q->doc, field(q, "messages"))
        last = m;
    w->answered = has_block(q, last, "tool_result", "", STR_NULL);
    w->cached = str_find(q->body, STR("\"cache_control\"")) >= 0;
    w->max_tokens = most > 0 ? (uint64_t)most : 0;
}

bool mock_messages_hides(const struct mock_question *q)
{
    return says(q, member(q, field(q, "thinking"), "display"), "omitted");
}

const char *mock_messages_error_type(int status)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {400, "invalid_request_error"}, {401, "authentication_error"}, {402, "billing_error"},
        {403, "permission_error"},      {404, "not_found_error"},      {413, "request_too_large"},
        {429, "rate_limit_error"},      {504, "timeout_error"},        {529, "overloaded_error"}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return status >= 500 ? "api_error" : "invalid_request_error";
}
