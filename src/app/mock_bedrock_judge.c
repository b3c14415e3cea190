/* What Bedrock refuses of a Converse request, in its words where they are known (reference:
 * AWS's service model, and what people met). */
#include "app/mock_bedrock.h"

#include <stdio.h>
#include <string.h>

enum { IDS_MAX = 64, MARKS_MAX = 4, METADATA_MAX = 16, ID_MAX = 64, DOCUMENT_NAME_MAX = 200 };

struct judging {
    const struct mock_question *q;
    struct mock_error *e;
    unsigned marks;
    bool tool_blocks;
    /* The message before: calls that wait for their results. */
    str calls[IDS_MAX];
    unsigned call_count;
};

static bool refuse(struct judging *j, const char *message)
{
    *j->e = (struct mock_error){.status = 400, .message = message};
    return false;
}

/* With the numbers of a message and a block, which AWS's texts have. */
static bool refuse_at(struct judging *j, const char *format, unsigned message, unsigned block)
{
    str text = arena_printf(j->q->arena, format, message, block);
    return refuse(j, text.ptr ? text.ptr : "no memory");
}

static uint32_t member(const struct judging *j, uint32_t object, const char *name)
{
    return json_member(&j->q->doc, object, str_from_c(name));
}

static bool is(const struct judging *j, uint32_t node, enum json_kind kind)
{
    return json_is(&j->q->doc, node, kind);
}

static bool says(const struct judging *j, uint32_t node, const char *text)
{
    return is(j, node, JSON_STRING) && json_string_eq(&j->q->doc, node, str_from_c(text));
}

/* Decoded; null: no string. */
static str text_of(const struct judging *j, uint32_t node)
{
    str text = STR_NULL;
    if (is(j, node, JSON_STRING) && json_string_decode(&j->q->doc, node, j->q->arena, &text))
        text = STR_NULL;
    return text;
}

static bool is_blank(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!memchr(" \t\r\n", text.ptr[i], 4))
            return false;
    return true;
}

static bool is_spelled(str text, const char *more, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (c == 0 || !strchr(more, c)))
            return false;
    }
    return text.len >= 1 && text.len <= max;
}

static bool known(struct judging *j, uint32_t object, const char *const *names)
{
    if (!is(j, object, JSON_OBJECT))
        return refuse(j, "Malformed input request: an object is expected.");
    JSON_EACH (name, &j->q->doc, object) {
        const char *const *n = names;
        while (*n && !json_string_eq(&j->q->doc, name, str_from_c(*n)))
            n++;
        if (!*n)
            return refuse(j, "Malformed input request: extraneous key is not permitted.");
    }
    return true;
}

#define KNOWN(j, object, ...) known((j), (object), (const char *const[]){__VA_ARGS__, NULL})

/* --- Blocks ----------------------------------------------------------------------------------- */

static bool judge_mark(struct judging *j, uint32_t mark)
{
    uint32_t ttl = member(j, mark, "ttl");
    if (!KNOWN(j, mark, "type", "ttl"))
        return false;
    if (!says(j, member(j, mark, "type"), "default") ||
        (ttl != JSON_NONE && !says(j, ttl, "5m") && !says(j, ttl, "1h")))
        return refuse(j, "cachePoint: the type must be default, the ttl 5m or 1h.");
    if (++j->marks > MARKS_MAX)
        return refuse(j, "A maximum of 4 blocks with cache_control may be provided.");
    return true;
}

static bool judge_text(struct judging *j, uint32_t text, unsigned m, unsigned b)
{
    str said = text_of(j, text);
    if (str_is_null(said))
        return refuse(j, "Malformed input request: text must be a string.");
    if (said.len == 0)
        return refuse_at(j,
                         "The text field in the ContentBlock object at messages.%u.content.%u is "
                         "blank. Add text to the text field, and try again.",
                         m, b);
    return !is_blank(said) ||
           refuse(j, "messages: text content blocks must contain non-whitespace text");
}

static bool judge_source(struct judging *j, uint32_t media, const char *const *formats)
{
    uint32_t source = member(j, media, "source"), format = member(j, media, "format");
    while (*formats && !says(j, format, *formats))
        formats++;
    if (!*formats)
        return refuse(j, "The format of the media is not supported.");
    if (!is(j, source, JSON_OBJECT) || json_count(&j->q->doc, source) != 1)
        return refuse(j, "The source of the media must have exactly one member.");
    uint32_t bytes = member(j, source, "bytes");
    if (bytes != JSON_NONE && !is_spelled(text_of(j, bytes), "+/=", SIZE_MAX))
        return refuse(j, "The bytes of the media are not base64.");
    return KNOWN(j, source, "bytes", "s3Location", "text", "content");
}

static bool judge_image(struct judging *j, uint32_t image)
{
    static const char *const formats[] = {"png", "jpeg", "gif", "webp", NULL};
    return KNOWN(j, image, "format", "source") && judge_source(j, image, formats);
}

static bool judge_audio(struct judging *j, uint32_t audio)
{
    static const char *const formats[] = {"mp3", "wav", "flac", "aac",  "ogg", "opus",
                                          "m4a", "mp4", "pcm",  "webm", NULL};
    return KNOWN(j, audio, "format", "source") && judge_source(j, audio, formats);
}

static bool judge_document(struct judging *j, uint32_t document)
{
    static const char *const formats[] = {"pdf",  "csv",  "doc", "docx", "xls",
                                          "xlsx", "html", "txt", "md",   NULL};
    str name = text_of(j, member(j, document, "name"));
    if (!KNOWN(j, document, "format", "name", "source", "context", "citations"))
        return false;
    if (!is_spelled(name, " -()[]", DOCUMENT_NAME_MAX) || str_find(name, STR("  ")) >= 0)
        return refuse(j, "The file name can only contain alphanumeric characters, whitespace "
                         "characters, hyphens, parentheses, and square brackets. The name can't "
                         "contain more than one consecutive whitespace character.");
    return judge_source(j, document, formats);
}

static bool is_mistral(const struct judging *j)
{
    return str_find(j->q->model, STR("mistral")) >= 0;
}

static bool judge_id(struct judging *j, str id)
{
    if (is_mistral(j) && (!is_spelled(id, "", ID_MAX) || id.len != 9))
        return refuse(j, "Tool call id has to be defined and of length 9, a-z, A-Z, 0-9.");
    return is_spelled(id, "_.:-", ID_MAX) ||
           refuse(j, "toolUseId: failed to satisfy constraint [a-zA-Z0-9_.:-]{1,64}");
}

static bool judge_use(struct judging *j, uint32_t use)
{
    str id = text_of(j, member(j, use, "toolUseId")), name = text_of(j, member(j, use, "name"));
    j->tool_blocks = true;
    if (!KNOWN(j, use, "toolUseId", "name", "input", "type") || !judge_id(j, id))
        return false;
    if (!is_spelled(name, "_-", ID_MAX))
        return refuse(j, "toolUse.name: failed to satisfy constraint [a-zA-Z0-9_-]+");
    if (!is(j, member(j, use, "input"), JSON_OBJECT))
        return refuse(j, "The format of the value at toolUse.input is invalid. Provide a json "
                         "object for the field and try again.");
    if (j->call_count < IDS_MAX)
        j->calls[j->call_count++] = id;
    return true;
}

static bool judge_result_block(struct judging *j, uint32_t block, unsigned m, unsigned b)
{
    uint32_t text = member(j, block, "text");
    if (json_count(&j->q->doc, block) != 1 ||
        !KNOWN(j, block, "text", "json", "image", "document", "video", "searchResult"))
        return refuse(j, "Malformed input request: a tool's result has blocks of one member.");
    if (text != JSON_NONE)
        return judge_text(j, text, m, b);
    uint32_t image = member(j, block, "image"), document = member(j, block, "document");
    return (image == JSON_NONE || judge_image(j, image)) &&
           (document == JSON_NONE || judge_document(j, document));
}

static bool judge_result(struct judging *j, uint32_t result, unsigned m, unsigned b)
{
    str id = text_of(j, member(j, result, "toolUseId"));
    uint32_t content = member(j, result, "content"), status = member(j, result, "status");
    j->tool_blocks = true;
    if (!KNOWN(j, result, "toolUseId", "content", "status", "type") || !judge_id(j, id))
        return false;
    if (!is(j, content, JSON_ARRAY))
        return refuse(j, "toolResult.content: Member must not be null");
    if (status != JSON_NONE && !says(j, status, "success") && !says(j, status, "error"))
        return refuse(j, "toolResult.status: must be success or error");
    JSON_EACH (block, &j->q->doc, content)
        if (!judge_result_block(j, block, m, b))
            return false;
    for (unsigned i = 0; i < j->call_count; i++)
        if (str_eq(j->calls[i], id)) {
            j->calls[i] = j->calls[--j->call_count];
            return true;
        }
    return refuse_at(j,
                     "The number of toolResult blocks at messages.%u.content exceeds the number of "
                     "toolUse blocks of previous turn.",
                     m, 0);
}

/* Of Claude's: signed by us, unchanged. */
static bool judge_reasoning(struct judging *j, uint32_t reasoning)
{
    uint32_t text = member(j, reasoning, "reasoningText");
    if (!KNOWN(j, reasoning, "reasoningText", "redactedContent") ||
        json_count(&j->q->doc, reasoning) != 1)
        return refuse(j, "reasoningContent must have exactly one member.");
    if (text == JSON_NONE)
        return true;
    str signature = text_of(j, member(j, text, "signature"));
    if (!mock_signature_is_good(signature, text_of(j, member(j, text, "text"))))
        return refuse(j, "The model returned the following errors: messages.1.content.0: Invalid "
                         "`signature` in `thinking` block");
    return true;
}

struct message_facts {
    bool user, text, document, result;
};

static bool judge_block(struct judging *j, uint32_t block, struct message_facts *f, unsigned m,
                        unsigned b)
{
    uint32_t name = json_first(&j->q->doc, block), value = json_value(name);
    if (!is(j, block, JSON_OBJECT) || json_count(&j->q->doc, block) != 1)
        return refuse(j, "A ContentBlock must have exactly one member.");
    if (says(j, name, "text")) {
        f->text = true;
        return judge_text(j, value, m, b);
    }
    if (says(j, name, "cachePoint"))
        return judge_mark(j, value);
    if (says(j, name, "toolUse") && !f->user)
        return judge_use(j, value);
    if (says(j, name, "reasoningContent") && !f->user)
        return judge_reasoning(j, value);
    if (says(j, name, "toolResult") && f->user) {
        f->result = true;
        return judge_result(j, value, m, b);
    }
    if (says(j, name, "image") && f->user)
        return judge_image(j, value);
    if (says(j, name, "audio") && f->user)
        return judge_audio(j, value);
    if (says(j, name, "document") && f->user) {
        f->document = true;
        return judge_document(j, value);
    }
    return refuse(j, "The ContentBlock is not known, or not allowed for this role.");
}

/* --- Messages --------------------------------------------------------------------------------- */

static bool judge_message(struct judging *j, uint32_t message, bool user, unsigned m)
{
    struct message_facts f = {.user = user};
    uint32_t content = member(j, message, "content");
    unsigned b = 0;
    if (!KNOWN(j, message, "role", "content"))
        return false;
    if (!is(j, content, JSON_ARRAY) || json_count(&j->q->doc, content) == 0)
        return refuse_at(j,
                         "The content field in the Message object at messages.%u is empty. Add a "
                         "ContentBlock object to the content field and try again.",
                         m, 0);
    JSON_EACH (block, &j->q->doc, content)
        if (!judge_block(j, block, &f, m, b++))
            return false;
    if (user && j->call_count)
        return refuse_at(j,
                         "Expected toolResult blocks at messages.%u.content for the following Ids: "
                         "…",
                         m, 0);
    return !f.document || f.text ||
           refuse(j, "A text block must be included when using documents.");
}

/* System text in mid-conversation: newer Claude only, after a user's message. */
static bool judge_system_message(struct judging *j, uint32_t message, bool after_user)
{
    uint32_t content = member(j, message, "content");
    if (str_find(j->q->model, STR("claude-opus-5")) < 0 || !after_user)
        return refuse(j, "messages.role: system is not allowed here");
    JSON_EACH (block, &j->q->doc, content)
        if (is_blank(text_of(j, member(j, block, "text"))))
            return refuse(j, "messages: a system message has text only");
    return json_count(&j->q->doc, content) > 0 || refuse(j, "messages: content is empty");
}

static bool judge_order(struct judging *j, bool first, bool was_user, bool is_user)
{
    if (first && !is_user)
        return refuse(j, "A conversation must start with a user message. Try again with a "
                         "conversation that starts with a user message.");
    return first || is_user != was_user ||
           refuse(j, "messages: roles must alternate between \"user\" and \"assistant\", but "
                     "found multiple of one in a row");
}

static bool judge_messages(struct judging *j)
{
    uint32_t messages = member(j, JSON_ROOT, "messages");
    unsigned m = 0;
    bool user = false;
    if (!is(j, messages, JSON_ARRAY) || json_count(&j->q->doc, messages) == 0)
        return refuse(j, "messages: Member must not be null");
    JSON_EACH (message, &j->q->doc, messages) {
        uint32_t role = member(j, message, "role");
        bool is_user = says(j, role, "user");
        if (says(j, role, "system")) {
            if (!judge_system_message(j, message, user))
                return false;
            continue;
        }
        if (!is_user && !says(j, role, "assistant"))
            return refuse(j, "messages.role: must satisfy enum value set: [user, assistant]");
        if (!judge_order(j, m == 0, user, is_user) || !judge_message(j, message, is_user, m++))
            return false;
        user = is_user;
    }
    return user || str_find(j->q->model, STR("-4-5")) >= 0 ||
           refuse(j, "The model returned the following errors: This model does not support "
                     "assistant message prefill. The conversation must end with a user message.");
}

static bool judge_system(struct judging *j)
{
    uint32_t system = member(j, JSON_ROOT, "system");
    JSON_EACH (block, &j->q->doc, system) {
        uint32_t text = member(j, block, "text"), mark = member(j, block, "cachePoint");
        if (!KNOWN(j, block, "text", "cachePoint", "guardContent"))
            return false;
        if (text != JSON_NONE && is_blank(text_of(j, text)))
            return refuse(j, "The text field in the SystemContentBlock object is blank.");
        if (mark != JSON_NONE && !judge_mark(j, mark))
            return false;
    }
    return system == JSON_NONE || is(j, system, JSON_ARRAY) ||
           refuse(j, "Malformed input request: system must be a list.");
}

/* --- Tools ------------------------------------------------------------------------------------ */

static bool judge_spec(struct judging *j, uint32_t spec)
{
    uint32_t description = member(j, spec, "description");
    uint32_t schema = member(j, member(j, spec, "inputSchema"), "json");
    if (!KNOWN(j, spec, "name", "description", "inputSchema", "strict"))
        return false;
    if (!is_spelled(text_of(j, member(j, spec, "name")), "_-", ID_MAX))
        return refuse(j, "toolSpec.name: failed to satisfy constraint [a-zA-Z0-9_-]+");
    if (description != JSON_NONE && text_of(j, description).len == 0)
        return refuse(j,
                      "toolSpec.description: Member must have length greater than or equal to 1");
    return says(j, member(j, schema, "type"), "object") ||
           refuse(j,
                  "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of "
                  "the following: object.");
}

static bool refuses_force(const struct judging *j)
{
    return str_find(j->q->model, STR("opus-5-5")) >= 0 ||
           str_find(j->q->model, STR("sonnet-5-5")) >= 0 ||
           str_find(j->q->model, STR("fable")) >= 0;
}

static bool judge_choice(struct judging *j, uint32_t choice)
{
    if (choice == JSON_NONE)
        return true;
    if (!KNOWN(j, choice, "auto", "any", "tool") || json_count(&j->q->doc, choice) != 1)
        return false;
    bool forced = member(j, choice, "auto") == JSON_NONE;
    return !forced || !refuses_force(j) ||
           refuse(j, "The model returned the following errors: tool_choice: type \"tool\" and "
                     "\"any\" are not supported for this model");
}

static bool judge_tools(struct judging *j)
{
    uint32_t config = member(j, JSON_ROOT, "toolConfig"), tools = member(j, config, "tools");
    if (config == JSON_NONE)
        return !j->tool_blocks ||
               refuse(j, "The toolConfig field must be defined when using toolUse "
                         "and toolResult content blocks.");
    if (!KNOWN(j, config, "tools", "toolChoice"))
        return false;
    if (!is(j, tools, JSON_ARRAY) || json_count(&j->q->doc, tools) == 0)
        return refuse(j, "toolConfig.tools: Member must have length greater than or equal to 1");
    JSON_EACH (tool, &j->q->doc, tools) {
        uint32_t spec = member(j, tool, "toolSpec"), mark = member(j, tool, "cachePoint");
        if (!KNOWN(j, tool, "toolSpec", "cachePoint", "systemTool"))
            return false;
        if ((spec != JSON_NONE && !judge_spec(j, spec)) ||
            (mark != JSON_NONE && !judge_mark(j, mark)))
            return false;
    }
    return judge_choice(j, member(j, config, "toolChoice"));
}

/* --- Parameters ------------------------------------------------------------------------------- */

static bool is_between(const struct judging *j, uint32_t node, double least, double most)
{
    double value = is(j, node, JSON_NUMBER) ? json_to_double(json_raw(&j->q->doc, node)) : -1;
    return node == JSON_NONE || (value >= least && value <= most);
}

/* Claude of 4.5 and 4.6 takes one of both, later ones none. */
static bool judge_sampling(struct judging *j, uint32_t temperature, uint32_t top_p)
{
    static const char *const one_of_both[] = {"-4-5", "-4-6"};
    static const char *const none[] = {"claude-opus-5", "claude-sonnet-5", "claude-opus-4-7",
                                       "claude-opus-4-8", "claude-fable"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (str_find(j->q->model, str_from_c(none[i])) >= 0 &&
            (temperature != JSON_NONE || top_p != JSON_NONE))
            return refuse(j, "The model returned the following errors: `temperature` is deprecated "
                             "for this model.");
    for (size_t i = 0; i < ARRAY_LEN(one_of_both); i++)
        if (str_find(j->q->model, str_from_c(one_of_both[i])) >= 0 && temperature != JSON_NONE &&
            top_p != JSON_NONE)
            return refuse(j, "The model returned the following errors: `temperature` and `top_p` "
                             "cannot both be specified for this model. Please use only one.");
    return true;
}

static bool judge_inference(struct judging *j)
{
    uint32_t config = member(j, JSON_ROOT, "inferenceConfig");
    if (config == JSON_NONE)
        return true;
    uint32_t temperature = member(j, config, "temperature"), top_p = member(j, config, "topP");
    if (!KNOWN(j, config, "maxTokens", "temperature", "topP", "stopSequences"))
        return false;
    if (!is_between(j, member(j, config, "maxTokens"), 1, 1e9))
        return refuse(j, "inferenceConfig.maxTokens: Member must be greater than or equal to 1");
    if (!is_between(j, temperature, 0, 1))
        return refuse(j, "inferenceConfig.temperature: Member must be less than or equal to 1");
    if (!is_between(j, top_p, 0, 1))
        return refuse(j, "inferenceConfig.topP: Member must be less than or equal to 1");
    JSON_EACH (stop, &j->q->doc, member(j, config, "stopSequences"))
        if (text_of(j, stop).len == 0)
            return refuse(j, "stopSequences: Member must have length greater than or equal to 1");
    return judge_sampling(j, temperature, top_p);
}

static bool judge_thinking(struct judging *j)
{
    uint32_t more = member(j, JSON_ROOT, "additionalModelRequestFields");
    uint32_t thinking = member(j, more, "thinking");
    uint32_t config = member(j, JSON_ROOT, "inferenceConfig");
    uint32_t choice = member(j, member(j, JSON_ROOT, "toolConfig"), "toolChoice");
    uint32_t most = member(j, config, "maxTokens"), budget = member(j, thinking, "budget_tokens");
    if (!says(j, member(j, thinking, "type"), "enabled"))
        return true;
    if (!is_between(j, budget, 1024, 1e9) || budget == JSON_NONE)
        return refuse(j, "thinking.enabled.budget_tokens: Input should be greater than or equal to "
                         "1024");
    if (most != JSON_NONE &&
        json_to_double(json_raw(&j->q->doc, budget)) >= json_to_double(json_raw(&j->q->doc, most)))
        return refuse(j, "`max_tokens` must be greater than `thinking.budget_tokens`.");
    if (member(j, config, "temperature") != JSON_NONE || member(j, more, "top_k") != JSON_NONE)
        return refuse(j, "`temperature` may only be set to 1 when thinking is enabled.");
    if (member(j, choice, "any") != JSON_NONE || member(j, choice, "tool") != JSON_NONE)
        return refuse(j, "Thinking may not be enabled when tool_choice forces tool use.");
    return true;
}

static bool judge_output(struct judging *j)
{
    uint32_t config = member(j, JSON_ROOT, "outputConfig");
    uint32_t format = member(j, config, "textFormat");
    uint32_t schema = member(j, member(j, member(j, format, "structure"), "jsonSchema"), "schema");
    struct json_doc doc;
    if (format == JSON_NONE)
        return true;
    if (!says(j, member(j, format, "type"), "json_schema") || !is(j, schema, JSON_STRING))
        return refuse(j, "outputConfig.textFormat: the schema must be a string.");
    return json_parse(&doc, j->q->arena, text_of(j, schema), NULL) == ERR_NONE ||
           refuse(j, "outputConfig.textFormat: the schema must hold JSON.");
}

static bool judge_metadata(struct judging *j)
{
    uint32_t metadata = member(j, JSON_ROOT, "requestMetadata");
    if (json_count(&j->q->doc, metadata) > METADATA_MAX)
        return refuse(j, "requestMetadata: at most 16 entries");
    JSON_EACH (name, &j->q->doc, metadata)
        if (!is(j, json_value(name), JSON_STRING))
            return refuse(j, "requestMetadata: values must be strings");
    return true;
}

bool mock_bedrock_judge_converse(const struct mock_question *q, struct mock_error *e)
{
    struct judging j = {.q = q, .e = e};
    return KNOWN(&j, JSON_ROOT, "messages", "system", "inferenceConfig", "toolConfig",
                 "guardrailConfig", "additionalModelRequestFields", "promptVariables",
                 "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig",
                 "serviceTier", "outputConfig") &&
           judge_system(&j) && judge_messages(&j) && judge_tools(&j) && judge_inference(&j) &&
           judge_thinking(&j) && judge_output(&j) && judge_metadata(&j);
}
