/*
 * Gemini's rules, as documented and as its error texts tell: a strict reader of protocol buffers, pairs of
 * calls and answers, signatures, and what which generation of models takes.
 */
#include "app/mock_gemini.h"

#include <stdio.h>

static const struct mock_gemini_model models[] = {
    /*                          third  level  minimal medium xhigh prefill json_schema */
    {"gemini-2.0*", false, false, false, false, false, true, false},
    {"gemini-2.5*", false, false, false, false, false, true, true},
    {"gemini-3-pro*", true, true, false, false, false, true, true},
    {"gemini-3.1-pro*", true, true, false, true, false, true, true},
    {"gemini-3-flash*", true, true, true, true, false, true, true},
    {"gemini-3.5-flash-lite*", true, true, true, true, false, false, true},
    {"gemini-3.6-flash*", true, true, true, true, false, false, true},
    {"gemini-4-hydrogen*", true, true, false, true, true, false, true},
    {"gemini-4-argon*", true, true, false, true, false, false, true},
    {"*", true, true, false, true, false, false, true},
};

const struct mock_gemini_model *mock_gemini_model_at(unsigned i)
{
    return i < ARRAY_LEN(models) - 1 ? &models[i] : NULL;
}

const struct mock_gemini_model *mock_gemini_model(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(models) - 1; i++)
        if (str_glob(str_from_c(models[i].name), name))
            return &models[i];
    return &models[ARRAY_LEN(models) - 1];
}

/* --- Members ---------------------------------------------------------------------------------- */

/* "thought_signature" is thoughtSignature. */
static bool is_name(str given, const char *name)
{
    size_t i = 0;
    for (; *name; name++) {
        bool up = *name >= 'A' && *name <= 'Z';
        if (i < given.len && given.ptr[i] == *name) {
            i++;
        } else if (up && i + 1 < given.len && given.ptr[i] == '_' &&
                   given.ptr[i + 1] == *name - 'A' + 'a') {
            i += 2;
        } else {
            return false;
        }
    }
    return i == given.len;
}

uint32_t mock_gemini_member(const struct mock_question *q, uint32_t object, const char *name)
{
    if (!json_is(&q->doc, object, JSON_OBJECT))
        return JSON_NONE;
    JSON_EACH (member, &q->doc, object)
        if (is_name(json_string_raw(&q->doc, member), name))
            return json_is(&q->doc, json_value(member), JSON_NULL) ? JSON_NONE : json_value(member);
    return JSON_NONE;
}

#define MEMBER mock_gemini_member

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

bool mock_gemini_unknown(const struct mock_question *q, str name, const char *at,
                         struct mock_error *e)
{
    return wrong(q, e,
                 "Invalid JSON payload received. Unknown name \"%.*s\"%s%s%s: Cannot find field.",
                 STR_ARG(name), *at ? " at '" : "", at, *at ? "'" : "");
}

static bool judge_names(const struct mock_question *q, uint32_t object, const char *at,
                        const char *const *names, unsigned n, struct mock_error *e)
{
    if (!json_is(&q->doc, object, JSON_OBJECT))
        return true;
    JSON_EACH (name, &q->doc, object) {
        bool known = false;
        for (unsigned i = 0; i < n && !known; i++)
            known = is_name(json_string_raw(&q->doc, name), names[i]);
        if (!known)
            return mock_gemini_unknown(q, json_string_raw(&q->doc, name), at, e);
    }
    return true;
}

#define NAMES(q, object, at, e, ...)                                                               \
    judge_names((q), (object), (at), (const char *const[]){__VA_ARGS__},                           \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (e))

static bool says(const struct mock_question *q, uint32_t node, const char *text)
{
    return json_is(&q->doc, node, JSON_STRING) && json_string_eq(&q->doc, node, str_from_c(text));
}

static str raw(const struct mock_question *q, uint32_t node)
{
    return json_is(&q->doc, node, JSON_STRING) ? json_string_raw(&q->doc, node) : STR_NULL;
}

static bool number_between(const struct mock_question *q, uint32_t node, double from, double to)
{
    if (node == JSON_NONE)
        return true;
    double n = json_is(&q->doc, node, JSON_NUMBER) ? json_to_double(json_raw(&q->doc, node)) : 1e9;
    return n >= from && n <= to;
}

/* --- Schemas: the strict message ---------------------------------------------------------------- */

static bool judge_schema(const struct mock_question *q, uint32_t s, struct mock_error *e)
{
    if (s == JSON_NONE)
        return true;
    if (!NAMES(q, s, "tools[0].function_declarations[0].parameters", e, "type", "format", "title",
               "description", "nullable", "enum", "items", "minItems", "maxItems", "properties",
               "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
               "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default"))
        return false;
    uint32_t type = MEMBER(q, s, "type"), list = MEMBER(q, s, "enum");
    if (type && !json_is(&q->doc, type, JSON_STRING))
        return wrong(q, e, "Proto field is not repeating, cannot start list.");
    JSON_EACH (one, &q->doc, list)
        if (!json_is(&q->doc, one, JSON_STRING))
            return wrong(q, e, "Invalid value at 'enum' (TYPE_STRING)");
    if (says(q, type, "ARRAY") && !MEMBER(q, s, "items"))
        return wrong(q, e, "parameters.properties[x].items: missing field.");
    uint32_t properties = MEMBER(q, s, "properties");
    if (json_is(&q->doc, properties, JSON_OBJECT))
        JSON_EACH (name, &q->doc, properties)
            if (!judge_schema(q, json_value(name), e))
                return false;
    JSON_EACH (branch, &q->doc, MEMBER(q, s, "anyOf"))
        if (!judge_schema(q, branch, e))
            return false;
    return judge_schema(q, MEMBER(q, s, "items"), e);
}

/* --- Parts ------------------------------------------------------------------------------------------ */

static const char *const data_members[] = {
    "text",           "inlineData", "fileData",     "functionCall",       "functionResponse",
    "executableCode", "toolCall",   "toolResponse", "codeExecutionResult"};

static bool is_image_type(str mime)
{
    static const char *const taken[] = {"image/png",  "image/jpeg", "image/webp",
                                        "image/heic", "image/heif", "audio/*",
                                        "video/*",    "text/*",     "application/pdf"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (str_glob(str_from_c(taken[i]), mime))
            return true;
    return false;
}

static bool judge_part(const struct mock_question *q, uint32_t part, struct mock_error *e)
{
    unsigned data = 0;
    if (!NAMES(q, part, "contents[0].parts[0]", e, "text", "inlineData", "fileData", "functionCall",
               "functionResponse", "executableCode", "toolCall", "toolResponse",
               "codeExecutionResult", "thought", "thoughtSignature", "videoMetadata",
               "mediaResolution", "mediaProcessing", "speechMetadata", "partMetadata"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(data_members); i++)
        data += MEMBER(q, part, data_members[i]) != JSON_NONE;
    if (data != 1)
        return wrong(q, e,
                     "contents.parts: required oneof field 'data' must have one initialized "
                     "field");
    uint32_t media = MEMBER(q, part, "inlineData");
    if (media && !is_image_type(raw(q, MEMBER(q, media, "mimeType"))))
        return wrong(q, e, "Unsupported MIME type: %.*s",
                     STR_ARG(raw(q, MEMBER(q, media, "mimeType"))));
    uint32_t call = MEMBER(q, part, "functionCall"), result = MEMBER(q, part, "functionResponse");
    uint32_t args = MEMBER(q, call, "args"), response = MEMBER(q, result, "response");
    if ((args && !json_is(&q->doc, args, JSON_OBJECT)) ||
        (result && !json_is(&q->doc, response, JSON_OBJECT)))
        return wrong(q, e,
                     "Invalid value at 'contents[0].parts[0]' "
                     "(type.googleapis.com/google.protobuf.Struct)");
    return NAMES(q, call, "contents[0].parts[0].function_call", e, "id", "name", "args") &&
           NAMES(q, result, "contents[0].parts[0].function_response", e, "id", "name", "response",
                 "parts", "willContinue", "scheduling");
}

static uint32_t parts_of(const struct mock_question *q, uint32_t content)
{
    uint32_t parts = MEMBER(q, content, "parts");
    return json_is(&q->doc, parts, JSON_ARRAY) ? parts : JSON_NONE;
}

static bool judge_content(const struct mock_question *q, uint32_t content, struct mock_error *e)
{
    uint32_t role = MEMBER(q, content, "role");
    if (!NAMES(q, content, "contents[0]", e, "role", "parts"))
        return false;
    if (role && !says(q, role, "user") && !says(q, role, "model"))
        return wrong(q, e, "Please use a valid role: user, model.");
    if (json_count(&q->doc, parts_of(q, content)) == 0)
        return wrong(q, e,
                     "* GenerateContentRequest.contents[0].parts: contents.parts must not be "
                     "empty. must include at least one parts field");
    JSON_EACH (part, &q->doc, parts_of(q, content))
        if (!judge_part(q, part, e))
            return false;
    return true;
}

/* --- Calls and answers, signatures ------------------------------------------------------------ */

/* Neighbours of one role are one turn: SDKs keep a stream as a content for each chunk. */
struct turn {
    const uint32_t *parts;
    unsigned count;
    bool is_model;
};

static unsigned count_of(const struct mock_question *q, const struct turn *t, const char *member)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->count; i++)
        n += MEMBER(q, t->parts[i], member) != JSON_NONE;
    return n;
}

static uint32_t nth(const struct mock_question *q, const struct turn *t, const char *member,
                    unsigned n)
{
    for (unsigned i = 0; i < t->count; i++) {
        uint32_t value = MEMBER(q, t->parts[i], member);
        if (value && n-- == 0)
            return value;
    }
    return JSON_NONE;
}

static bool judge_pair(const struct mock_question *q, const struct turn *calls,
                       const struct turn *answers, const struct mock_gemini_model *m,
                       struct mock_error *e)
{
    unsigned n = calls ? count_of(q, calls, "functionCall") : 0;
    if (n == 0)
        return wrong(q, e,
                     "Please ensure that function response turn comes immediately after a "
                     "function call turn.");
    if (n != count_of(q, answers, "functionResponse"))
        return wrong(q, e,
                     "Please ensure that the number of function response parts is equal to "
                     "the number of function call parts of the function call turn.");
    for (unsigned i = 0; i < n; i++) {
        uint32_t call = nth(q, calls, "functionCall", i);
        uint32_t answer = nth(q, answers, "functionResponse", i);
        if (!str_eq(raw(q, MEMBER(q, call, "name")), raw(q, MEMBER(q, answer, "name"))))
            return wrong(q, e, "functionResponse.name does not match functionCall.name");
        if (!str_eq(raw(q, MEMBER(q, call, "id")), raw(q, MEMBER(q, answer, "id"))))
            return wrong(q, e, "functionResponse.id does not match functionCall.id");
        if (!m->third && MEMBER(q, call, "id"))
            return wrong(q, e, "This model has no ids of function calls.");
    }
    return true;
}

static bool is_bypass(str signature)
{
    return str_eq(signature, STR("skip_thought_signature_validator"));
}

/* The first call of a step has a signature; whatever has one has ours, unchanged. */
static bool judge_signatures(const struct mock_question *q, const struct turn *t,
                             struct mock_error *e)
{
    bool first = true;
    for (unsigned i = 0; i < t->count; i++) {
        uint32_t call = MEMBER(q, t->parts[i], "functionCall");
        str signature = raw(q, MEMBER(q, t->parts[i], "thoughtSignature"));
        if (signature.len && !is_bypass(signature) && !mock_signature_is_good(signature, STR_NULL))
            return wrong(q, e, "Thought signature is not valid");
        if (call && first && !signature.len)
            return wrong(q, e,
                         "Function call is missing a thought_signature in functionCall parts. "
                         "function call `default_api:%.*s`, position 1",
                         STR_ARG(raw(q, MEMBER(q, call, "name"))));
        first = first && !call;
    }
    return true;
}

/* before: NULL for the first. */
static bool judge_turn(const struct mock_question *q, const struct turn *before,
                       const struct turn *t, const struct mock_gemini_model *m,
                       struct mock_error *e)
{
    bool answers = count_of(q, t, "functionResponse") > 0;
    if (answers && !judge_pair(q, before, t, m, e))
        return false;
    if (before && count_of(q, before, "functionCall") && !answers)
        return wrong(q, e,
                     "Please ensure that function call turn is followed by a function "
                     "response turn.");
    if (count_of(q, t, "functionCall") && (!t->is_model || !before))
        return wrong(q, e,
                     "Please ensure that function call turn comes immediately after a user "
                     "turn or after a function response turn.");
    return !t->is_model || !m->third || judge_signatures(q, t, e);
}

/* Gemini 3: what functions answered stands alone in its content. */
static bool is_pure(const struct mock_question *q, uint32_t content)
{
    unsigned answers = 0;
    JSON_EACH (part, &q->doc, parts_of(q, content))
        answers += MEMBER(q, part, "functionResponse") != JSON_NONE;
    return answers == 0 || answers == json_count(&q->doc, parts_of(q, content));
}

/* The parts of all contents in one list; turns are stretches of it. */
static bool judge_turns(const struct mock_question *q, uint32_t contents,
                        const struct mock_gemini_model *m, struct mock_error *e)
{
    uint32_t *parts = arena_alloc(q->arena, q->doc.count * sizeof(*parts));
    struct turn turns[2] = {{.count = 0}}, *before = NULL, *now = &turns[0];
    unsigned used = 0;
    if (!parts)
        return wrong(q, e, "out of memory");
    JSON_EACH (content, &q->doc, contents) {
        bool is_model = says(q, MEMBER(q, content, "role"), "model");
        if (!judge_content(q, content, e))
            return false;
        if (m->third && !is_pure(q, content))
            return wrong(q, e, "Function response parts stand alone in their turn.");
        if (now->count && now->is_model != is_model) {
            if (!judge_turn(q, before, now, m, e))
                return false;
            before = now;
            now = now == &turns[0] ? &turns[1] : &turns[0];
            now->count = 0;
        }
        if (now->count == 0)
            *now = (struct turn){.parts = parts + used, .is_model = is_model};
        JSON_EACH (part, &q->doc, parts_of(q, content)) {
            parts[used++] = part;
            now->count++;
        }
    }
    if (!judge_turn(q, before, now, m, e))
        return false;
    return q->kind != ENDPOINT_GENERATE || !now->is_model || m->prefill ||
           wrong(q, e, "Requests ending with a model turn are not supported.");
}

/* --- Settings ---------------------------------------------------------------------------------------- */

static bool level_is_fine(const struct mock_question *q, uint32_t level,
                          const struct mock_gemini_model *m)
{
    return says(q, level, "LOW") || says(q, level, "HIGH") ||
           (says(q, level, "MINIMAL") && m->minimal) || (says(q, level, "MEDIUM") && m->medium) ||
           (says(q, level, "XHIGH") && m->xhigh);
}

static bool judge_thinking(const struct mock_question *q, uint32_t thinking,
                           const struct mock_gemini_model *m, struct mock_error *e)
{
    uint32_t level = MEMBER(q, thinking, "thinkingLevel");
    uint32_t budget = MEMBER(q, thinking, "thinkingBudget");
    bool pro = str_find(q->model, STR("2.5-pro")) >= 0;
    if (!NAMES(q, thinking, "generation_config.thinking_config", e, "includeThoughts",
               "thinkingBudget", "thinkingLevel"))
        return false;
    if (thinking && str_glob(STR("gemini-2.0*"), q->model))
        return wrong(q, e, "Thinking is not supported by this model.");
    if (level && budget)
        return wrong(q, e, "You can only set one of thinking budget and thinking level.");
    if (level && (!m->level || !level_is_fine(q, level, m)))
        return wrong(q, e, "Thinking level is not supported for this model.");
    if (budget && m->level)
        return wrong(q, e, "Thinking budget is not supported for this model.");
    if (budget && !number_between(q, budget, -1, pro ? 32768 : 24576))
        return wrong(q, e, "The thinking budget is invalid.");
    if (pro && budget && number_between(q, budget, 0, 127))
        return wrong(q, e, "Budget 0 is invalid. This model only works in thinking mode.");
    return true;
}

static bool judge_config(const struct mock_question *q, const struct mock_gemini_model *m,
                         struct mock_error *e)
{
    uint32_t c = MEMBER(q, JSON_ROOT, "generationConfig");
    if (!NAMES(q, c, "generation_config", e, "temperature", "topP", "topK", "candidateCount",
               "maxOutputTokens", "stopSequences", "seed", "presencePenalty", "frequencyPenalty",
               "responseMimeType", "responseSchema", "responseJsonSchema", "responseFormat",
               "responseLogprobs", "logprobs", "responseModalities", "mediaResolution",
               "speechConfig", "imageConfig", "thinkingConfig", "audioTimestamp"))
        return false;
    if (!number_between(q, MEMBER(q, c, "temperature"), 0, 2) ||
        !number_between(q, MEMBER(q, c, "topP"), 0, 1) ||
        !number_between(q, MEMBER(q, c, "seed"), -2147483648.0, 2147483647.0) ||
        !number_between(q, MEMBER(q, c, "maxOutputTokens"), 1, 65536) ||
        !number_between(q, MEMBER(q, c, "presencePenalty"), -2, 1.999) ||
        !number_between(q, MEMBER(q, c, "frequencyPenalty"), -2, 1.999))
        return wrong(q, e, "* GenerateContentRequest.generation_config: value out of range");
    if (json_count(&q->doc, MEMBER(q, c, "stopSequences")) > 5)
        return wrong(q, e, "The number of stop sequences must be at most 5.");
    uint32_t schema = MEMBER(q, c, "responseSchema"), json = MEMBER(q, c, "responseJsonSchema");
    if ((schema || json) && !says(q, MEMBER(q, c, "responseMimeType"), "application/json"))
        return wrong(q, e, "response_schema is only supported with a JSON response mime type.");
    if ((schema && json) || (json && !m->json_schema))
        return wrong(q, e, "response_json_schema is not supported here.");
    return judge_schema(q, schema, e) && judge_thinking(q, MEMBER(q, c, "thinkingConfig"), m, e);
}

static bool judge_function(const struct mock_question *q, uint32_t f,
                           const struct mock_gemini_model *m, struct mock_error *e)
{
    str name = raw(q, MEMBER(q, f, "name"));
    if (!NAMES(q, f, "tools[0].function_declarations[0]", e, "name", "description", "parameters",
               "parametersJsonSchema", "response", "responseJsonSchema", "behavior"))
        return false;
    bool fine = name.len > 0 && name.len <= 64;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';
        fine = fine && (letter || (other && i > 0));
    }
    if (!fine)
        return wrong(q, e, "Invalid function name. Must start with a letter or an underscore.");
    uint32_t json = MEMBER(q, f, "parametersJsonSchema"), schema = MEMBER(q, f, "parameters");
    if ((json && schema) || (json && !m->json_schema))
        return wrong(q, e, "parameters_json_schema is not supported here.");
    return judge_schema(q, schema, e);
}

static bool judge_tools(const struct mock_question *q, const struct mock_gemini_model *m,
                        struct mock_error *e)
{
    uint32_t config = MEMBER(q, JSON_ROOT, "generationConfig");
    uint32_t mode =
        MEMBER(q, MEMBER(q, MEMBER(q, JSON_ROOT, "toolConfig"), "functionCallingConfig"), "mode");
    bool json = says(q, MEMBER(q, config, "responseMimeType"), "application/json");
    bool functions = false, own = false;
    JSON_EACH (tool, &q->doc, MEMBER(q, JSON_ROOT, "tools")) {
        uint32_t list = MEMBER(q, tool, "functionDeclarations");
        if (!NAMES(q, tool, "tools[0]", e, "functionDeclarations", "googleSearch", "urlContext",
                   "codeExecution", "googleMaps", "computerUse", "fileSearch"))
            return false;
        functions = functions || list;
        own = own || !list;
        JSON_EACH (f, &q->doc, list)
            if (!judge_function(q, f, m, e))
                return false;
    }
    if (mode && !says(q, mode, "AUTO") && !says(q, mode, "ANY") && !says(q, mode, "NONE") &&
        !says(q, mode, "VALIDATED"))
        return wrong(q, e, "Invalid value at 'tool_config.function_calling_config.mode'");
    if (mode && !functions)
        return wrong(q, e, "Function calling config is set without function_declarations.");
    if (functions && own && !m->third)
        return wrong(q, e, "Tool use with function calling is unsupported");
    if (functions && json && (!m->third || (mode && !says(q, mode, "AUTO"))))
        return wrong(q, e,
                     "Function calling with a response mime type: 'application/json' is "
                     "unsupported");
    return true;
}

bool mock_gemini_judge(struct mock_question *q, struct mock_error *e)
{
    const struct mock_gemini_model *m = mock_gemini_model(q->model);
    uint32_t contents = MEMBER(q, JSON_ROOT, "contents");
    uint32_t system = MEMBER(q, JSON_ROOT, "systemInstruction");
    if (!NAMES(q, JSON_ROOT, "", e, "contents", "systemInstruction", "tools", "toolConfig",
               "safetySettings", "generationConfig", "cachedContent", "serviceTier", "labels",
               "store", "continuationToken", "model"))
        return false;
    if (!json_is(&q->doc, contents, JSON_ARRAY) || json_count(&q->doc, contents) == 0)
        return wrong(q, e, "* GenerateContentRequest.contents: contents is not specified");
    JSON_EACH (part, &q->doc, parts_of(q, system))
        if (!json_is(&q->doc, MEMBER(q, part, "text"), JSON_STRING))
            return wrong(q, e, "System instruction must be text only.");
    return judge_turns(q, contents, m, e) && judge_config(q, m, e) && judge_tools(q, m, e);
}
