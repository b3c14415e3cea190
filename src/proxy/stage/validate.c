/*
 * What is refused before anything is sent (spec section 4): JSON that is not, fields that the gateway
 * decides by, values that no provider of the format takes.  Absent and null are both fine where the
 * field is optional.  Everything else is the provider's to judge, and goes through untouched.
 */
#include "proxy/body.h"
#include "proxy/stage.h"

enum { MODEL_MAX = 256, MESSAGES_MAX = 100000, STOP_MAX = 4 };

/* root, messages, message, and the members of logit_bias. */
static const struct json_options shallow = {.index_depth = 3, .root_object = true};

/* A fault found: the field's path and what is wrong; text NULL: none. */
struct fault {
    str path;
    const char *text;
};

static uint32_t field(const struct request *r, const char *name)
{
    return json_member(&r->doc, JSON_ROOT, str_from_c(name));
}

static bool is_given(const struct request *r, uint32_t node)
{
    return node != JSON_NONE && !json_is(&r->doc, node, JSON_NULL);
}

struct range {
    double min, max;
    bool whole;
};

static bool in_range(const struct json_doc *doc, uint32_t node, const struct range *range)
{
    if (!json_is(doc, node, JSON_NUMBER))
        return false;
    int64_t ignored;
    str text = json_raw(doc, node);
    double value = json_to_double(text);
    return value >= range->min && value <= range->max &&
           (!range->whole || json_to_i64(text, &ignored));
}

static bool is_stop(const struct json_doc *doc, uint32_t stop)
{
    if (json_is(doc, stop, JSON_STRING))
        return true;
    if (!json_is(doc, stop, JSON_ARRAY) || json_count(doc, stop) > STOP_MAX)
        return false;
    JSON_EACH (item, doc, stop) {
        if (!json_is(doc, item, JSON_STRING))
            return false;
    }
    return true;
}

static bool is_logit_bias(const struct json_doc *doc, uint32_t node)
{
    static const struct range bias = {.min = -100, .max = 100};
    if (!json_is(doc, node, JSON_OBJECT))
        return false;
    JSON_EACH (name, doc, node) {
        if (!in_range(doc, json_value(name), &bias))
            return false;
    }
    return true;
}

/* Fields whose values are limited, and what is said otherwise. */
static const struct rule {
    str name;
    struct range range;
    bool (*check)(const struct json_doc *doc, uint32_t node); /* instead of the range */
    const char *text;
} rules[] = {
    {STR_INIT("n"), {1, 128, true}, NULL, "a whole number from 1 to 128"},
    {STR_INIT("stop"), {0, 0, false}, is_stop, "a string or a list of at most 4 strings"},
    {STR_INIT("top_p"), {0, 1, false}, NULL, "a number from 0 to 1"},
    {STR_INIT("max_tokens"), {1, 1e15, true}, NULL, "a whole number of at least 1"},
    {STR_INIT("logit_bias"), {0, 0, false}, is_logit_bias, "an object of numbers from -100 to 100"},
    {STR_INIT("temperature"), {0, 2, false}, NULL, "a number from 0 to 2"},
    {STR_INIT("top_logprobs"), {0, 20, true}, NULL, "a whole number from 0 to 20"},
    {STR_INIT("presence_penalty"), {-2, 2, false}, NULL, "a number from -2 to 2"},
    {STR_INIT("frequency_penalty"), {-2, 2, false}, NULL, "a number from -2 to 2"},
    {STR_INIT("max_output_tokens"), {1, 1e15, true}, NULL, "a whole number of at least 1"},
    {STR_INIT("max_completion_tokens"), {1, 1e15, true}, NULL, "a whole number of at least 1"},
};

static const struct rule *rule_of(const struct json_doc *doc, uint32_t name)
{
    size_t len = json_string_raw(doc, name).len;
    bool escaped = json_node(doc, name)->escaped;
    for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
        if ((escaped || rules[i].name.len == len) && json_string_eq(doc, name, rules[i].name))
            return &rules[i];
    return NULL;
}

static struct fault check_limits(const struct request *r)
{
    JSON_EACH (name, &r->doc, JSON_ROOT) {
        const struct rule *rule = rule_of(&r->doc, name);
        uint32_t node = json_value(name);
        if (!rule || json_is(&r->doc, node, JSON_NULL))
            continue;
        if (rule->check ? !rule->check(&r->doc, node) : !in_range(&r->doc, node, &rule->range))
            return (struct fault){rule->name, rule->text};
    }
    return (struct fault){0};
}

static bool role_is_known(const struct json_doc *doc, uint32_t role)
{
    static const str roles[] = {STR_INIT("user"),      STR_INIT("assistant"), STR_INIT("system"),
                                STR_INIT("developer"), STR_INIT("tool"),      STR_INIT("function")};
    for (unsigned i = 0; json_is(doc, role, JSON_STRING) && i < ARRAY_LEN(roles); i++)
        if (json_string_eq(doc, role, roles[i]))
            return true;
    return false;
}

static struct fault check_messages(struct request *r)
{
    const struct json_doc *doc = &r->doc;
    uint32_t messages = field(r, "messages");
    unsigned at = 0;
    if (!json_is(doc, messages, JSON_ARRAY) || json_count(doc, messages) < 1 ||
        json_count(doc, messages) > MESSAGES_MAX)
        return (struct fault){STR("messages"), "a list of 1 to 100000 messages"};
    JSON_EACH (message, doc, messages) {
        if (!json_is(doc, message, JSON_OBJECT))
            return (struct fault){arena_printf(r->arena, "messages[%u]", at), "an object"};
        if (!role_is_known(doc, json_member(doc, message, STR("role"))))
            return (struct fault){arena_printf(r->arena, "messages[%u].role", at),
                                  "one of system, developer, user, assistant, tool and function"};
        at++;
    }
    return (struct fault){0};
}

static struct fault check_fields(struct request *r)
{
    struct fault fault = {0};
    if (r->kind == ENDPOINT_CHAT || r->kind == ENDPOINT_MESSAGES)
        fault = check_messages(r);
    if (!fault.text && (r->kind == ENDPOINT_CHAT || r->kind == ENDPOINT_COMPLETIONS ||
                        r->kind == ENDPOINT_RESPONSES))
        fault = check_limits(r);
    return fault;
}

static enum stage_verdict check_names(struct request *r)
{
    static const str exact[] = {STR_INIT("model"), STR_INIT("stream"), STR_INIT("tools"),
                                STR_INIT("max_tokens")};
    uint32_t culprit;
    enum err err =
        json_check_members(&r->doc, JSON_ROOT, exact, ARRAY_LEN(exact), r->arena, &culprit);
    if (err == ERR_FIELD_DUPLICATE) {
        str name = arena_str(r->arena, json_string_raw(&r->doc, culprit));
        return stage_refuse(r, err, name,
                            "The field %.*s comes twice, or in a spelling that only differs in "
                            "case.",
                            STR_ARG(str_first(name, 100)));
    }
    return err ? stage_refuse(r, err, STR_NULL, "No memory for the request.") : STAGE_NEXT;
}

/* Names go into fields and logs: no control characters. */
static bool is_model_name(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return s.len >= 1 && s.len <= MODEL_MAX;
}

/* Endpoints whose providers have a model of their own choice. */
static bool model_is_optional(enum endpoint_kind kind)
{
    const uint64_t optional = ENDPOINT_BIT(MODERATIONS) | ENDPOINT_BIT(IMAGES_GENERATE) |
                              ENDPOINT_BIT(IMAGES_EDIT) | ENDPOINT_BIT(IMAGES_VARIATION) |
                              ENDPOINT_BIT(RESPONSES) | ENDPOINT_BIT(RESPONSES_TOKENS);
    return optional & (UINT64_C(1) << kind);
}

static enum stage_verdict take_model(struct request *r)
{
    r->model_node = field(r, "model");
    if (!is_given(r, r->model_node)) {
        r->model_node = JSON_NONE;
        r->model = r->path_model;
        if (r->model.len || model_is_optional(r->kind))
            return STAGE_NEXT;
        return stage_refuse(r, ERR_FIELD_MISSING, STR("model"), "The field model is missing.");
    }
    str said;
    if (!json_is(&r->doc, r->model_node, JSON_STRING))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("model"), "model must be a string.");
    if (json_string_decode(&r->doc, r->model_node, r->arena, &said))
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    if (!is_model_name(said))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("model"),
                            "model must have 1 to 256 characters, none of them a control.");
    r->model = r->path_model.len ? r->path_model : arena_str(r->arena, said);
    return STAGE_NEXT;
}

static enum stage_verdict take_stream(struct request *r)
{
    uint32_t stream = field(r, "stream");
    r->stream = r->path_stream;
    if (r->kind == ENDPOINT_GENERATE || !is_given(r, stream)) /* Gemini's is in the path */
        return STAGE_NEXT;
    if (!json_is(&r->doc, stream, JSON_TRUE) && !json_is(&r->doc, stream, JSON_FALSE))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("stream"), "stream must be true or false.");
    r->stream = json_is(&r->doc, stream, JSON_TRUE);
    uint32_t options = field(r, "stream_options");
    r->usage_wanted =
        json_is(&r->doc, json_member(&r->doc, options, STR("include_usage")), JSON_TRUE);
    if (is_given(r, options) && !json_is(&r->doc, options, JSON_OBJECT))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("stream_options"),
                            "stream_options must be an object.");
    return STAGE_NEXT;
}

static enum stage_verdict json_request(struct request *r)
{
    enum err err = json_parse(&r->doc, r->arena, r->body_text, &shallow);
    if (err == ERR_JSON_INVALID) {
        str why = json_fault_text(&r->doc, r->arena);
        return stage_refuse(r, err, STR_NULL, "The body is not valid JSON: %.*s.", STR_ARG(why));
    }
    if (err)
        return stage_refuse(r, err, STR_NULL, "The body is too large to be read.");
    enum stage_verdict v = check_names(r);
    if (v == STAGE_NEXT)
        v = take_model(r);
    if (v == STAGE_NEXT)
        v = take_stream(r);
    if (v != STAGE_NEXT)
        return v;
    struct fault fault = check_fields(r);
    if (fault.text)
        return stage_refuse(r, ERR_FIELD_INVALID, fault.path, "%.*s must be %s.",
                            STR_ARG(fault.path), fault.text);
    return STAGE_NEXT;
}

static enum stage_verdict form_request(struct request *r)
{
    const struct multipart_field *model = multipart_field(r->form, STR("model"));
    const struct multipart_field *stream = multipart_field(r->form, STR("stream"));
    str prefix = body_gathered(r);
    if (stream)
        r->stream = str_eq(str_make(prefix.ptr + stream->start, stream->len), STR("true"));
    if (!model) {
        r->model = r->path_model;
        if (r->model.len || model_is_optional(r->kind))
            return STAGE_NEXT;
        return stage_refuse(r, ERR_MODEL_UNREADABLE, STR("model"),
                            "No model field in the first 64 KiB of the form. Put it before the "
                            "file.");
    }
    str said = str_make(prefix.ptr + model->start, model->len);
    if (!is_model_name(said))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("model"),
                            "model must have 1 to 256 characters, none of them a control.");
    r->model = r->path_model.len ? r->path_model : arena_str(r->arena, said);
    return STAGE_NEXT;
}

enum stage_verdict stage_validate(struct request *r)
{
    switch (endpoint_facts(r->kind)->body) {
    case ENDPOINT_BODY_JSON:
        return json_request(r);
    case ENDPOINT_BODY_FORM:
        return form_request(r);
    case ENDPOINT_BODY_RAW:
    case ENDPOINT_BODY_NONE:
        break;
    }
    return STAGE_NEXT;
}
