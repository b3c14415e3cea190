/*
 * What OpenAI refuses: roles out of order, results that nobody asked for, calls without results, and, as
 * its own models do, fields that it does not know.
 */
#include "app/mock_openai.h"

enum { IDS_MAX = 64 };

static bool wrong(struct mock_error *e, const char *message, str param)
{
    *e = (struct mock_error){400, message, param};
    return false;
}

static uint32_t field(const struct mock_question *q, const char *name)
{
    return q->doc.count ? json_member(&q->doc, JSON_ROOT, str_from_c(name)) : JSON_NONE;
}

static bool is_text(const struct mock_question *q, uint32_t node, const char *text)
{
    return json_is(&q->doc, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

/* --- Messages ------------------------------------------------------------------------------------- */

/* Ids of calls that wait for their results. */
struct waiting {
    str ids[IDS_MAX]; /* raw */
    unsigned count;
};

static bool answers(struct waiting *w, str id)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (!str_eq(w->ids[i], id))
            continue;
        w->ids[i] = w->ids[--w->count];
        return true;
    }
    return false;
}

static bool judge_tool(const struct mock_question *q, uint32_t m, struct waiting *w,
                       struct mock_error *e)
{
    uint32_t id = json_member(&q->doc, m, STR("tool_call_id"));
    if (!json_is(&q->doc, id, JSON_STRING))
        return wrong(e, "a message with role 'tool' needs a tool_call_id", STR("messages"));
    if (answers(w, json_string_raw(&q->doc, id)))
        return true;
    return wrong(e,
                 "messages with role 'tool' must be a response to a preceding message with "
                 "'tool_calls'",
                 STR("messages"));
}

static bool judge_calls(const struct mock_question *q, uint32_t m, struct waiting *w,
                        struct mock_error *e)
{
    uint32_t calls = json_member(&q->doc, m, STR("tool_calls"));
    JSON_EACH (call, &q->doc, calls) {
        uint32_t id = json_member(&q->doc, call, STR("id"));
        uint32_t function = json_member(&q->doc, call, STR("function"));
        if (!json_is(&q->doc, id, JSON_STRING))
            return wrong(e, "a tool call needs an id", STR("messages"));
        if (json_is(&q->doc, function, JSON_OBJECT) &&
            !json_is(&q->doc, json_member(&q->doc, function, STR("arguments")), JSON_STRING))
            return wrong(e, "arguments must be a string", STR("messages"));
        if (w->count < IDS_MAX)
            w->ids[w->count++] = json_string_raw(&q->doc, id);
    }
    return true;
}

static bool judge_messages(const struct mock_question *q, struct mock_error *e)
{
    static const char *const roles[] = {"system",    "developer", "user",
                                        "assistant", "tool",      "function"};
    uint32_t messages = field(q, "messages");
    struct waiting w = {.count = 0};
    if (!json_is(&q->doc, messages, JSON_ARRAY) || !json_count(&q->doc, messages))
        return wrong(e, "messages must be a list that is not empty", STR("messages"));
    JSON_EACH (m, &q->doc, messages) {
        uint32_t role = json_member(&q->doc, m, STR("role"));
        bool known = false;
        for (unsigned i = 0; i < ARRAY_LEN(roles); i++)
            known = known || is_text(q, role, roles[i]);
        if (!known)
            return wrong(e, "each message needs a role", STR("messages"));
        if (is_text(q, role, "tool")) {
            if (!judge_tool(q, m, &w, e))
                return false;
            continue;
        }
        if (w.count)
            return wrong(e,
                         "An assistant message with 'tool_calls' must be followed by tool messages "
                         "responding to each 'tool_call_id'.",
                         STR("messages"));
        if (is_text(q, role, "assistant") && !judge_calls(q, m, &w, e))
            return false;
    }
    return true;
}

/* --- Fields --------------------------------------------------------------------------------------- */

/* OpenAI's own models name what they do not know; servers of its format let it pass. */
static bool is_strict(str model)
{
    return str_starts(model, STR("gpt-")) || str_starts(model, STR("o3")) ||
           str_starts(model, STR("o4"));
}

static bool judge_fields(const struct mock_question *q, struct mock_error *e)
{
    static const char *const known[] = {"model",
                                        "messages",
                                        "audio",
                                        "frequency_penalty",
                                        "function_call",
                                        "functions",
                                        "logit_bias",
                                        "logprobs",
                                        "max_completion_tokens",
                                        "max_tokens",
                                        "metadata",
                                        "modalities",
                                        "moderation",
                                        "n",
                                        "parallel_tool_calls",
                                        "prediction",
                                        "presence_penalty",
                                        "prompt_cache_key",
                                        "prompt_cache_options",
                                        "prompt_cache_retention",
                                        "reasoning_effort",
                                        "response_format",
                                        "safety_identifier",
                                        "seed",
                                        "service_tier",
                                        "stop",
                                        "store",
                                        "stream",
                                        "stream_options",
                                        "temperature",
                                        "tool_choice",
                                        "tools",
                                        "top_logprobs",
                                        "top_p",
                                        "user",
                                        "verbosity",
                                        "web_search_options"};
    if (!is_strict(q->model))
        return true;
    JSON_EACH (name, &q->doc, JSON_ROOT) {
        bool found = false;
        for (unsigned i = 0; i < ARRAY_LEN(known); i++)
            found = found || json_string_eq(&q->doc, name, str_from_c(known[i]));
        if (!found)
            return wrong(e, "Unrecognized request argument supplied.",
                         json_string_raw(&q->doc, name));
    }
    return true;
}

/* --- Models that reason --------------------------------------------------------------------------- */

static bool reasons_always_or_by_itself(str model)
{
    return str_starts(model, STR("gpt-5.5")) || str_starts(model, STR("gpt-5.6")) ||
           str_starts(model, STR("gpt-6"));
}

static bool refuses_tools_while_it_reasons(str model)
{
    return str_starts(model, STR("gpt-5.4")) || reasons_always_or_by_itself(model);
}

/* Tools, while the model reasons, are for the Responses API. */
static bool judge_tools(const struct mock_question *q, struct mock_error *e)
{
    uint32_t effort = field(q, "reasoning_effort");
    bool asked = json_is(&q->doc, effort, JSON_STRING);
    bool reasons = asked ? !is_text(q, effort, "none") : reasons_always_or_by_itself(q->model);
    if (!refuses_tools_while_it_reasons(q->model) || !reasons || field(q, "tools") == JSON_NONE)
        return true;
    return wrong(e,
                 "Function tools with reasoning_effort are not supported for this model in "
                 "/v1/chat/completions. Please use /v1/responses instead.",
                 STR("reasoning_effort"));
}

static bool judge_model(const struct mock_question *q, struct mock_error *e)
{
    bool newer = str_starts(q->model, STR("gpt-5")) || str_starts(q->model, STR("gpt-6")) ||
                 str_starts(q->model, STR("o3")) || str_starts(q->model, STR("o4"));
    if (newer && field(q, "max_tokens") != JSON_NONE)
        return wrong(e,
                     "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                     "'max_completion_tokens' instead.",
                     STR("max_tokens"));
    return judge_tools(q, e);
}

/* --- What is to be said ---------------------------------------------------------------------------- */

static const str *offered(const struct mock_question *q, unsigned *count)
{
    uint32_t tools = field(q, "tools");
    str *names = arena_alloc(q->arena, (json_count(&q->doc, tools) + 1) * sizeof(*names));
    *count = 0;
    if (!names)
        return NULL;
    JSON_EACH (tool, &q->doc, tools) {
        uint32_t function = json_member(&q->doc, tool, STR("function"));
        uint32_t name = json_member(&q->doc, function ? function : tool, STR("name"));
        if (json_is(&q->doc, name, JSON_STRING) &&
            !json_string_decode(&q->doc, name, q->arena, &names[*count]))
            (*count)++;
    }
    return names;
}

static bool last_is_tool(const struct mock_question *q)
{
    bool tool = false;
    uint32_t messages = field(q, "messages");
    JSON_EACH (m, &q->doc, messages)
        tool = is_text(q, json_member(&q->doc, m, STR("role")), "tool");
    return tool;
}

static uint64_t whole(const struct mock_question *q, const char *name)
{
    int64_t n;
    uint32_t node = field(q, name);
    return json_is(&q->doc, node, JSON_NUMBER) && json_to_i64(json_raw(&q->doc, node), &n) && n > 0
               ? (uint64_t)n
               : 0;
}

/* OpenAI's models think in secret on this API; others show it, when they are asked to think or always do. */
static bool shows_thoughts(const struct mock_question *q)
{
    uint32_t effort = field(q, "reasoning_effort");
    uint32_t enabled = json_member(&q->doc, field(q, "reasoning"), STR("enabled"));
    bool always = str_find(q->model, STR("DeepSeek-R1")) >= 0;
    bool asked = json_is(&q->doc, effort, JSON_STRING) && !is_text(q, effort, "none");
    return !is_strict(q->model) && (asked || always || json_is(&q->doc, enabled, JSON_TRUE));
}

static void make_script(struct mock_question *q)
{
    struct mock_facts f = {.bytes = q->bytes};
    uint32_t format = field(q, "response_format");
    f.tools = offered(q, &f.tool_count);
    f.answered = last_is_tool(q);
    f.json = json_is(&q->doc, format, JSON_OBJECT) &&
             !is_text(q, json_member(&q->doc, format, STR("type")), "text");
    f.thinking = q->kind == ENDPOINT_CHAT && shows_thoughts(q);
    f.cached = q->plan->cache_hit || str_find(q->body, STR("prompt_cache_breakpoint")) >= 0;
    f.max_tokens = whole(q, "max_completion_tokens");
    if (!f.max_tokens)
        f.max_tokens = whole(q, "max_tokens");
    if (is_text(q, field(q, "tool_choice"), "none"))
        f.tool_count = 0;
    mock_script_make(&q->script, q->plan, &f, q->arena);
}

bool mock_openai_judge(struct mock_question *q, struct mock_error *e)
{
    if (endpoint_facts(q->kind)->body == ENDPOINT_BODY_JSON)
        make_script(q);
    switch (q->kind) {
    case ENDPOINT_CHAT:
        return judge_messages(q, e) && judge_fields(q, e) && judge_model(q, e);
    case ENDPOINT_EMBEDDINGS:
        return field(q, "input") || wrong(e, "input is missing", STR("input"));
    case ENDPOINT_COMPLETIONS:
        return field(q, "prompt") || wrong(e, "prompt is missing", STR("prompt"));
    default:
        return true;
    }
}
