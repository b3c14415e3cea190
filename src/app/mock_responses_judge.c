/*
 * The rules of OpenAI's Responses API, as documented and as seen in its error texts: members that are known,
 * items in order, calls and their results, reasoning that comes back unchanged.
 */
#include "app/mock_responses.h"

enum { OUTPUT_MIN = 16, NAME_MAX_LENGTH = 64, CALL_ID_MAX = 64, MARKS_MAX = 80, TOOLS_MAX = 256 };

static uint32_t member(const struct mock_question *q, uint32_t object, const char *name)
{
    return json_member(&q->doc, object, str_from_c(name));
}

static uint32_t field(const struct mock_question *q, const char *name)
{
    uint32_t node = member(q, JSON_ROOT, name);
    return json_is(&q->doc, node, JSON_NULL) ? JSON_NONE : node;
}

static bool is(const struct mock_question *q, uint32_t node, enum json_kind kind)
{
    return json_is(&q->doc, node, kind);
}

static bool says(const struct mock_question *q, uint32_t node, const char *text)
{
    return is(q, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

static bool is_type(const struct mock_question *q, uint32_t object, const char *type)
{
    return says(q, member(q, object, "type"), type);
}

static str text_of(const struct mock_question *q, uint32_t node)
{
    return is(q, node, JSON_STRING) ? json_string_raw(&q->doc, node) : STR_NULL;
}

/* The words live in the question's arena. */
static bool wrong(const struct mock_question *q, struct mock_error *e, const char *param,
                  const char *format, ...) printf_like(4, 5);

static bool wrong(const struct mock_question *q, struct mock_error *e, const char *param,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = arena_vprintf(q->arena, format, args);
    va_end(args);
    *e = (struct mock_error){
        .status = 400, .message = text.len ? text.ptr : "invalid", .param = str_from_c(param)};
    return false;
}

static bool one_of(const struct mock_question *q, uint32_t node, const char *const *words)
{
    for (; *words; words++)
        if (says(q, node, *words))
            return true;
    return false;
}

/* --- Members ---------------------------------------------------------------------------------------------- */

static const char *const known_members[] = {"model",
                                            "input",
                                            "instructions",
                                            "previous_response_id",
                                            "conversation",
                                            "store",
                                            "background",
                                            "background_options",
                                            "include",
                                            "max_output_tokens",
                                            "max_tool_calls",
                                            "parallel_tool_calls",
                                            "tools",
                                            "tool_choice",
                                            "text",
                                            "reasoning",
                                            "temperature",
                                            "top_p",
                                            "top_logprobs",
                                            "truncation",
                                            "context_management",
                                            "stream",
                                            "stream_options",
                                            "service_tier",
                                            "metadata",
                                            "prompt",
                                            "prompt_cache_options",
                                            "access_programs",
                                            "image",
                                            "user",
                                            "safety_identifier",
                                            "prompt_cache_key",
                                            "prompt_cache_retention",
                                            "moderation",
                                            "client_metadata",
                                            "personality",
                                            NULL};

static bool judge_members(const struct mock_question *q, struct mock_error *e)
{
    JSON_EACH (name, &q->doc, JSON_ROOT) {
        if (!one_of(q, name, known_members))
            return wrong(q, e, NULL, "Unknown parameter: '%.*s'.", STR_ARG(text_of(q, name)));
    }
    return true;
}

static bool judge_range(const struct mock_question *q, const char *name, double min, double max,
                        struct mock_error *e)
{
    uint32_t node = field(q, name);
    if (node == JSON_NONE)
        return true;
    double n = is(q, node, JSON_NUMBER) ? json_to_double(json_raw(&q->doc, node)) : min - 1;
    if (n < min || n > max)
        return wrong(q, e, name, "Invalid '%s': expected a value from %g to %g.", name, min, max);
    return true;
}

/* Models that always reason. */
static bool always_reasons(const struct mock_question *q)
{
    static const char *const globs[] = {"gpt-6*", "o1*", "o3*", "o4*"};
    for (unsigned i = 0; i < ARRAY_LEN(globs); i++)
        if (str_glob(str_from_c(globs[i]), q->model))
            return true;
    return false;
}

static bool judge_sampling(const struct mock_question *q, struct mock_error *e)
{
    static const char *const names[] = {"temperature", "top_p", "top_logprobs"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (always_reasons(q) && field(q, names[i]))
            return wrong(q, e, names[i],
                         "Unsupported parameter: '%s' is not supported with this model.", names[i]);
    return judge_range(q, "temperature", 0, 2, e) && judge_range(q, "top_p", 0, 1, e) &&
           judge_range(q, "top_logprobs", 0, 20, e) &&
           judge_range(q, "max_output_tokens", OUTPUT_MIN, 1e9, e);
}

static bool judge_settings(const struct mock_question *q, struct mock_error *e)
{
    static const char *const efforts[] = {"none", "minimal", "low", "medium",
                                          "high", "xhigh",   "max", NULL};
    static const char *const included[] = {"file_search_call.results",
                                           "web_search_call.results",
                                           "web_search_call.action.sources",
                                           "message.input_image.image_url",
                                           "computer_call_output.output.image_url",
                                           "code_interpreter_call.outputs",
                                           "reasoning.encrypted_content",
                                           "message.output_text.logprobs",
                                           NULL};
    uint32_t effort = member(q, field(q, "reasoning"), "effort");
    if (effort != JSON_NONE && !is(q, effort, JSON_NULL) && !one_of(q, effort, efforts))
        return wrong(q, e, "reasoning.effort", "Invalid value for reasoning.effort.");
    if (is(q, field(q, "include"), JSON_ARRAY))
        JSON_EACH (one, &q->doc, field(q, "include"))
            if (!one_of(q, one, included))
                return wrong(q, e, "include", "Invalid value in 'include': '%.*s'.",
                             STR_ARG(text_of(q, one)));
    str previous = text_of(q, field(q, "previous_response_id"));
    if (previous.len && !str_starts(previous, STR("resp_mock_")))
        return wrong(q, e, "previous_response_id", "Previous response with id '%.*s' not found.",
                     STR_ARG(previous));
    return true;
}

static bool judge_format(const struct mock_question *q, struct mock_error *e)
{
    uint32_t format = member(q, field(q, "text"), "format");
    if (format == JSON_NONE || is_type(q, format, "text") || is_type(q, format, "json_object"))
        return true;
    if (!is_type(q, format, "json_schema"))
        return wrong(q, e, "text.format.type", "Invalid value for text.format.type.");
    uint32_t schema = member(q, format, "schema");
    if (!text_of(q, member(q, format, "name")).len)
        return wrong(q, e, "text.format.name", "Missing required parameter: 'text.format.name'.");
    if (!is(q, schema, JSON_OBJECT))
        return wrong(q, e, "text.format.schema",
                     "Missing required parameter: 'text.format.schema'.");
    if (is(q, member(q, format, "strict"), JSON_TRUE) &&
        !is(q, member(q, schema, "additionalProperties"), JSON_FALSE))
        return wrong(q, e, "text.format.schema",
                     "Invalid schema for response_format: 'additionalProperties' is required to "
                     "be supplied and to be false.");
    return true;
}

/* --- Tools --------------------------------------------------------------------------------------------------- */

static bool is_name(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len >= 1 && s.len <= NAME_MAX_LENGTH;
}

static bool judge_tool_list(const struct mock_question *q, uint32_t tools, struct mock_error *e)
{
    static const char *const hosted[] = {"web_search",
                                         "web_search_2025_08_26",
                                         "web_search_preview",
                                         "web_search_preview_2025_03_11",
                                         "file_search",
                                         "code_interpreter",
                                         "image_generation",
                                         "mcp",
                                         "computer",
                                         "computer_use_preview",
                                         "local_shell",
                                         "shell",
                                         "apply_patch",
                                         "tool_search",
                                         "programmatic_tool_calling",
                                         NULL};
    JSON_EACH (tool, &q->doc, tools) {
        bool space = is_type(q, tool, "namespace");
        bool named = space || is_type(q, tool, "function") || is_type(q, tool, "custom");
        if (!named && !one_of(q, member(q, tool, "type"), hosted))
            return wrong(q, e, "tools", "Invalid value: '%.*s' is no type of tool.",
                         STR_ARG(text_of(q, member(q, tool, "type"))));
        if (named && !is_name(text_of(q, member(q, tool, "name"))))
            return wrong(q, e, "tools", "Invalid 'tools[].name': string does not match pattern.");
        uint32_t schema = member(q, tool, "parameters");
        if (is_type(q, tool, "function") && !is(q, schema, JSON_OBJECT) &&
            !is(q, schema, JSON_NULL))
            return wrong(q, e, "tools", "Missing required parameter: 'tools[].parameters'.");
        if (space && !judge_tool_list(q, member(q, tool, "tools"), e))
            return false;
    }
    return true;
}

static bool judge_tools(const struct mock_question *q, struct mock_error *e)
{
    uint32_t tools = field(q, "tools"), choice = field(q, "tool_choice");
    if (tools != JSON_NONE && !is(q, tools, JSON_ARRAY))
        return wrong(q, e, "tools", "Invalid type for 'tools': expected an array.");
    if (!judge_tool_list(q, tools, e))
        return false;
    if (is(q, choice, JSON_OBJECT) && json_count(&q->doc, tools) == 0)
        return wrong(q, e, "tool_choice", "Tool choice not found in 'tools' parameter.");
    return true;
}

/* --- Items ---------------------------------------------------------------------------------------------------- */

static bool is_call(const struct mock_question *q, uint32_t item)
{
    return is_type(q, item, "function_call") || is_type(q, item, "custom_tool_call");
}

static bool is_output(const struct mock_question *q, uint32_t item)
{
    return is_type(q, item, "function_call_output") || is_type(q, item, "custom_tool_call_output");
}

/* Whether an item from `from` on (up to `to`) has this call id and is of that kind. */
static bool has_partner(const struct mock_question *q, uint32_t input, uint32_t from, uint32_t to,
                        str id, bool (*kind)(const struct mock_question *q, uint32_t item))
{
    for (uint32_t i = from; i != JSON_NONE && i != to; i = json_next(&q->doc, input, i))
        if (kind(q, i) && str_eq(text_of(q, member(q, i, "call_id")), id))
            return true;
    return false;
}

static bool judge_call(const struct mock_question *q, uint32_t input, uint32_t item,
                       struct mock_error *e)
{
    str id = text_of(q, member(q, item, "call_id"));
    bool custom = is_type(q, item, "custom_tool_call");
    if (id.len < 1 || id.len > CALL_ID_MAX)
        return wrong(q, e, "input", "Invalid 'call_id': expected a string of 1 to 64 characters.");
    if (!is_name(text_of(q, member(q, item, "name"))))
        return wrong(q, e, "input", "Invalid 'name' of a function call.");
    if (!is(q, member(q, item, custom ? "input" : "arguments"), JSON_STRING))
        return wrong(q, e, "input", "Missing required parameter: arguments of '%.*s'.",
                     STR_ARG(id));
    if (!has_partner(q, input, item, JSON_NONE, id, is_output))
        return wrong(q, e, "input", "No tool output found for function call %.*s.", STR_ARG(id));
    return true;
}

static bool judge_parts(const struct mock_question *q, uint32_t parts, bool assistant,
                        struct mock_error *e)
{
    static const char *const input[] = {"input_text", "input_image", "input_file", NULL};
    static const char *const output[] = {"output_text", "refusal", NULL};
    if (is(q, parts, JSON_STRING))
        return true;
    if (!is(q, parts, JSON_ARRAY))
        return wrong(q, e, "input", "Invalid type for content: expected a string or an array.");
    JSON_EACH (part, &q->doc, parts) {
        if (!one_of(q, member(q, part, "type"), assistant ? output : input))
            return wrong(q, e, "input", "Invalid value: '%.*s'. Supported values here are: %s.",
                         STR_ARG(text_of(q, member(q, part, "type"))),
                         assistant ? "'output_text' and 'refusal'"
                                   : "'input_text', 'input_image' and 'input_file'");
        if (is_type(q, part, "input_image") && !is(q, member(q, part, "image_url"), JSON_STRING) &&
            !is(q, member(q, part, "file_id"), JSON_STRING))
            return wrong(q, e, "input", "Invalid image: expected image_url (a string) or file_id.");
    }
    return true;
}

static bool judge_output(const struct mock_question *q, uint32_t input, uint32_t item,
                         struct mock_error *e)
{
    str id = text_of(q, member(q, item, "call_id"));
    bool goes_on = field(q, "previous_response_id") != JSON_NONE;
    if (!goes_on && !has_partner(q, input, json_first(&q->doc, input), item, id, is_call))
        return wrong(q, e, "input",
                     "No tool call found for function call output with call_id %.*s.", STR_ARG(id));
    return judge_parts(q, member(q, item, "output"), false, e);
}

/* What it led to comes next, and its opaque text is one that the mock gave. */
static bool judge_reasoning(const struct mock_question *q, uint32_t input, uint32_t item,
                            struct mock_error *e)
{
    str id = text_of(q, member(q, item, "id"));
    str encrypted = text_of(q, member(q, item, "encrypted_content"));
    uint32_t next = json_next(&q->doc, input, item);
    if (!str_starts(id, STR("rs_")))
        return wrong(q, e, "input", "Invalid 'id': '%.*s'. Expected an ID that begins with 'rs'.",
                     STR_ARG(id));
    if (!is(q, member(q, item, "summary"), JSON_ARRAY))
        return wrong(q, e, "input", "Missing required parameter: 'summary' of '%.*s'.",
                     STR_ARG(id));
    if (next == JSON_NONE || is_output(q, next) || says(q, member(q, next, "role"), "user"))
        return wrong(q, e, "input",
                     "Item '%.*s' of type 'reasoning' was provided without its required following "
                     "item.",
                     STR_ARG(id));
    if (!encrypted.len)
        return wrong(
            q, e, "input",
            "Item with id '%.*s' not found. Items are not persisted when `store` is set to "
            "false.",
            STR_ARG(id));
    if (!mock_signature_is_good(encrypted, STR_NULL))
        return wrong(q, e, "input", "The encrypted content for item %.*s could not be verified.",
                     STR_ARG(id));
    return true;
}

static bool judge_message(const struct mock_question *q, uint32_t item, struct mock_error *e)
{
    static const char *const roles[] = {"user", "assistant", "system", "developer", NULL};
    uint32_t role = member(q, item, "role");
    if (!one_of(q, role, roles))
        return wrong(q, e, "input",
                     "Invalid value: '%.*s'. Supported roles are: 'assistant', "
                     "'system', 'developer', and 'user'.",
                     STR_ARG(text_of(q, role)));
    return judge_parts(q, member(q, item, "content"), says(q, role, "assistant"), e);
}

static bool judge_item(const struct mock_question *q, uint32_t input, uint32_t item,
                       struct mock_error *e)
{
    static const char *const others[] = {"web_search_call",
                                         "file_search_call",
                                         "compaction",
                                         "code_interpreter_call",
                                         "image_generation_call",
                                         "mcp_list_tools",
                                         "mcp_call",
                                         "mcp_approval_request",
                                         "mcp_approval_response",
                                         "computer_call",
                                         "computer_call_output",
                                         "local_shell_call",
                                         "local_shell_call_output",
                                         "shell_call",
                                         "shell_call_output",
                                         "apply_patch_call",
                                         "apply_patch_call_output",
                                         "tool_search_call",
                                         "tool_search_output",
                                         "item_reference",
                                         "additional_tools",
                                         "configuration_update",
                                         NULL};
    uint32_t type = member(q, item, "type");
    if (!is(q, item, JSON_OBJECT))
        return wrong(q, e, "input", "Invalid type for an item of 'input': expected an object.");
    if (type == JSON_NONE || says(q, type, "message"))
        return judge_message(q, item, e);
    if (is_call(q, item))
        return judge_call(q, input, item, e);
    if (is_output(q, item))
        return judge_output(q, input, item, e);
    if (says(q, type, "reasoning"))
        return judge_reasoning(q, input, item, e);
    return one_of(q, type, others) ||
           wrong(q, e, "input", "Invalid value: '%.*s' is no type of item.",
                 STR_ARG(text_of(q, type)));
}

static bool judge_input(const struct mock_question *q, struct mock_error *e)
{
    uint32_t input = field(q, "input");
    if (is(q, input, JSON_STRING))
        return true;
    if (!is(q, input, JSON_ARRAY) || json_count(&q->doc, input) == 0)
        return wrong(q, e, "input", "Missing required parameter: 'input'.");
    JSON_EACH (item, &q->doc, input)
        if (!judge_item(q, input, item, e))
            return false;
    return true;
}

/* The mock remembers nothing, but knows ids that it may have given. */
static bool judge_stored(const struct mock_question *q, struct mock_error *e)
{
    if (str_starts(q->rest, STR("/resp_mock_")))
        return true;
    wrong(q, e, NULL, "Response with id '%.*s' not found.", STR_ARG(str_from(q->rest, 1)));
    e->status = 404;
    return false;
}

bool mock_responses_judge(const struct mock_question *q, struct mock_error *e)
{
    if (q->kind == ENDPOINT_RESPONSES_STORED)
        return judge_stored(q, e);
    if (q->kind == ENDPOINT_RESPONSES_COMPACT)
        return true;
    if (!q->doc.count || !text_of(q, field(q, "model")).len)
        return wrong(q, e, "model", "Missing required parameter: 'model'.");
    return judge_members(q, e) && judge_sampling(q, e) && judge_settings(q, e) &&
           judge_format(q, e) && judge_tools(q, e) && judge_input(q, e);
}

/* --- Wishes ------------------------------------------------------------------------------------------------------ */

static bool decode(const struct mock_question *q, uint32_t node, str *out)
{
    *out = STR_NULL;
    return is(q, node, JSON_STRING) && !json_string_decode(&q->doc, node, q->arena, out);
}

static void add_tools(const struct mock_question *q, uint32_t tools, str space, str only,
                      struct mock_responses_tool *list, unsigned *count)
{
    if (!is(q, tools, JSON_ARRAY))
        return;
    JSON_EACH (tool, &q->doc, tools) {
        struct mock_responses_tool t = {.space = space, .custom = is_type(q, tool, "custom")};
        if (!decode(q, member(q, tool, "name"), &t.name))
            continue;
        if (is_type(q, tool, "namespace"))
            add_tools(q, member(q, tool, "tools"), t.name, only, list, count);
        else if ((t.custom || is_type(q, tool, "function")) && *count < TOOLS_MAX &&
                 (!only.len || str_eq(only, t.name)))
            list[(*count)++] = t;
    }
}

static void find_tools(const struct mock_question *q, str only, struct mock_responses_wish *out)
{
    struct mock_responses_tool *list = arena_alloc(q->arena, TOOLS_MAX * sizeof(*list));
    uint32_t input = field(q, "input");
    if (!list)
        return;
    add_tools(q, field(q, "tools"), STR_NULL, only, list, &out->tool_count);
    if (is(q, input, JSON_ARRAY))
        JSON_EACH (item, &q->doc, input)
            if (is_type(q, item, "additional_tools"))
                add_tools(q, member(q, item, "tools"), STR_NULL, only, list, &out->tool_count);
    out->tools = list;
}

static bool has_mark(const struct mock_question *q)
{
    return str_find(q->body, STR("\"prompt_cache_breakpoint\"")) >= 0;
}

void mock_responses_wish(const struct mock_question *q, struct mock_responses_wish *out)
{
    *out = (struct mock_responses_wish){0};
    if (!q->doc.count) /* GET, DELETE */
        return;
    uint32_t input = field(q, "input"), choice = field(q, "tool_choice");
    uint32_t reasoning = field(q, "reasoning"), format = member(q, field(q, "text"), "format");
    uint32_t effort = member(q, reasoning, "effort"), last = JSON_NONE;
    str only;
    int64_t most;
    out->cached = has_mark(q);
    decode(q, member(q, choice, "name"), &only);
    if (!says(q, choice, "none"))
        find_tools(q, only, out);
    out->forced = only.len || says(q, choice, "required");
    if (is(q, input, JSON_ARRAY))
        JSON_EACH (item, &q->doc, input)
            last = item;
    out->answered = is_output(q, last);
    out->json = is_type(q, format, "json_object") || is_type(q, format, "json_schema");
    out->summary = is(q, member(q, reasoning, "summary"), JSON_STRING);
    out->thinks = (is(q, effort, JSON_STRING) && !says(q, effort, "none")) || out->summary;
    if (is(q, field(q, "max_output_tokens"), JSON_NUMBER) &&
        json_to_i64(json_raw(&q->doc, field(q, "max_output_tokens")), &most))
        out->max_tokens = (uint64_t)most;
}
