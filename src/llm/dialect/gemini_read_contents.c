/*
 * contents[] as turns: parts in their order, pieces of one text joined, answers of functions matched to
 * their calls by id, or by name and order where there is none.
 */
#include "llm/dialect/gemini_reading.h"
#include "llm/signature.h"

/* --- Runs of text ---------------------------------------------------------------------------- */

void gemini_end_run(struct gemini_reading *g)
{
    struct block *b = g->run_block;
    g->run_block = NULL;
    if (!b)
        return;
    str text = g->run.failed ? STR_NULL : arena_str(g->arena, buf_str(&g->run));
    if (str_is_null(text))
        gemini_no_memory(g);
    if (b->kind == BLOCK_REASONING)
        b->reasoning.text.s = text;
    else
        b->text.s = text;
    buf_clear(&g->run);
}

/* A text of the model: goes on with the one before it, if that is of the same kind. */
static bool add_to_run(struct gemini_reading *g, struct turn *t, enum block_kind kind, str raw)
{
    if (!g->run_block || g->run_block->kind != kind || g->run_block != t->last) {
        gemini_end_run(g);
        g->run_block = turn_add(g->chat, t, kind);
        if (!g->run_block)
            return gemini_no_memory(g);
    }
    buf_add_str(&g->run, raw);
    return true;
}

/* --- Signatures ------------------------------------------------------------------------------ */

/* What stands for a signature that never was; also in base64, as SDKs send bytes. */
static bool is_bypass(str signature)
{
    static const str known[] = {
        STR_INIT("skip_thought_signature_validator"),
        STR_INIT("context_engineering_is_the_way_to_go"),
        STR_INIT("c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I"),
        STR_INIT("Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"),
    };
    while (signature.len && signature.ptr[signature.len - 1] == '=')
        signature.len--;
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(signature, known[i]))
            return true;
    return false;
}

struct mark { /* a thoughtSignature, without our wrapping */
    enum native_format maker;
    str text; /* null: none */
};

static struct mark read_mark(struct gemini_reading *g, uint32_t part, str path)
{
    struct mark m = {NATIVE_NONE, STR_NULL};
    str text = gemini_text(g, part, STR("thoughtSignature"), path);
    if (text.len && !is_bypass(text))
        m.maker = signature_unwrap(g->arena, NATIVE_GEMINI, text, &m.text);
    return m;
}

/* Whether the turn has the reasoning already: the client kept the thought, too. */
static bool has_signature(const struct turn *t, str signature)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_REASONING && (str_eq(b->reasoning.signature, signature) ||
                                           str_eq(b->reasoning.encrypted, signature)))
            return true;
    return false;
}

static bool add_marked_reasoning(struct gemini_reading *g, struct turn *t, const struct mark *m)
{
    struct block *b = turn_add(g->chat, t, BLOCK_REASONING);
    if (!b)
        return gemini_no_memory(g);
    b->reasoning.signature = m->text;
    b->reasoning.format = m->maker;
    return true;
}

/* Three lines for each block: kind ('s', 'e') with the opaque text, item id, text. */
bool gemini_carry_read(struct gemini_reading *g, struct turn *t, enum native_format maker, str text)
{
    while (!str_is_null(text) && text.len) {
        str opaque = str_split(&text, '\n'), item = str_split(&text, '\n');
        struct raw words = {str_split(&text, '\n')};
        str own = str_from(opaque, 1);
        if (!own.len || (opaque.ptr[0] != 's' && opaque.ptr[0] != 'e') || has_signature(t, own))
            continue;
        struct block *b = turn_add(g->chat, t, BLOCK_REASONING);
        if (!b)
            return gemini_no_memory(g);
        b->reasoning.text = words.s.len ? words : RAW_NULL;
        b->reasoning.item_id = item.len ? item : STR_NULL;
        b->reasoning.format = maker;
        *(opaque.ptr[0] == 's' ? &b->reasoning.signature : &b->reasoning.encrypted) = own;
    }
    return true;
}

/* --- Texts ----------------------------------------------------------------------------------- */

/* A thought; with a signature it ends the run.  What another API made is carried in our own form. */
static bool read_thought(struct gemini_reading *g, struct turn *t, str raw, const struct mark *m)
{
    if ((raw.len || m->text.len) && !add_to_run(g, t, BLOCK_REASONING, raw))
        return false;
    if (!m->text.len)
        return true;
    struct block *b = g->run_block;
    b->reasoning.format = m->maker;
    gemini_end_run(g);
    bool encrypted = m->text.ptr[0] == 'e';
    if (m->maker == NATIVE_GEMINI) {
        b->reasoning.signature = m->text;
        return true;
    }
    str rest = m->text, opaque = str_split(&rest, '\n');
    str item = str_is_null(rest) ? STR_NULL : str_split(&rest, '\n');
    *(encrypted ? &b->reasoning.encrypted : &b->reasoning.signature) = str_from(opaque, 1);
    b->reasoning.item_id = item.len ? item : STR_NULL;
    return true;
}

static bool read_text(struct gemini_reading *g, struct turn *t, uint32_t part, uint32_t text,
                      str path)
{
    struct mark m = read_mark(g, part, path);
    if (!json_is(g->doc, text, JSON_STRING))
        return gemini_fault(g, gemini_path(g, path, "text"), "must be a string");
    str raw = json_string_raw(g->doc, text);
    if (t->role == ROLE_ASSISTANT &&
        json_is(g->doc, gemini_given(g, part, STR("thought")), JSON_TRUE))
        return read_thought(g, t, raw, &m);
    if (t->role == ROLE_ASSISTANT) {
        if (raw.len && !add_to_run(g, t, BLOCK_TEXT, raw))
            return false;
        if (m.text.len && m.maker == NATIVE_GEMINI) {
            gemini_end_run(g);
            return add_marked_reasoning(g, t, &m);
        }
        return g->err == ERR_NONE;
    }
    struct block *b = turn_add(g->chat, t, BLOCK_TEXT);
    if (!b)
        return gemini_no_memory(g);
    b->text.s = raw;
    return true;
}

/* --- Calls and their answers ----------------------------------------------------------------- */

/* For a call without one: from its place, so the same in each request of the conversation. */
static str made_id(struct gemini_reading *g, str path)
{
    char *text = arena_alloc(g->arena, path.len + 5);
    size_t len = 5;
    if (!text)
        return STR_NULL;
    memcpy(text, "call_", 5);
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] != '[' && path.ptr[i] != ']')
            text[len++] = path.ptr[i] == '.' ? '_' : path.ptr[i];
    return str_make(text, len);
}

static bool read_call(struct gemini_reading *g, struct turn *t, uint32_t part, uint32_t value,
                      str path)
{
    struct mark m = read_mark(g, part, path);
    str at = gemini_path(g, path, "functionCall");
    str name = gemini_text(g, value, STR("name"), at), id = gemini_text(g, value, STR("id"), at);
    uint32_t args = gemini_given(g, value, STR("args"));
    if (t->role != ROLE_ASSISTANT)
        return gemini_fault(g, at, "only a model calls functions");
    if (!g->err && !name.len)
        return gemini_fault(g, gemini_path(g, at, "name"), "is needed");
    if (args != JSON_NONE && !json_is(g->doc, args, JSON_OBJECT))
        return gemini_fault(g, gemini_path(g, at, "args"), "must be an object");
    if (m.text.len && m.maker != NATIVE_GEMINI && !gemini_carry_read(g, t, m.maker, m.text))
        return false;
    struct block *b = g->err ? NULL : turn_add(g->chat, t, BLOCK_CALL);
    if (!b)
        return gemini_no_memory(g);
    b->call.id = id.len ? id : made_id(g, path);
    b->call.name = name;
    b->call.arguments = args == JSON_NONE ? STR("{}") : json_raw(g->doc, args);
    b->call.signature = m.maker == NATIVE_GEMINI ? m.text : STR_NULL;
    return !str_is_null(b->call.id) || gemini_no_memory(g);
}

static bool is_answered(const struct turn *from, str id)
{
    for (const struct turn *t = from; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_RESULT && str_eq(b->result.call_id, id))
                return true;
    return false;
}

/* The first call of this name in the last turn with calls that has no answer yet; null: none. */
static str call_by_name(const struct gemini_reading *g, str name)
{
    const struct turn *last = NULL;
    for (const struct turn *t = g->chat->turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL)
                last = t;
    for (const struct block *b = last ? last->blocks : NULL; b; b = b->next)
        if (b->kind == BLOCK_CALL && str_eq(b->call.name, name) && !is_answered(last, b->call.id))
            return b->call.id;
    return STR_NULL;
}

static struct block *result_text(struct gemini_reading *g, struct tool_result *r, struct raw text)
{
    struct block *b = str_is_null(text.s) ? NULL : chat_new_block(g->chat, BLOCK_TEXT);
    if (!b) {
        gemini_no_memory(g);
        return NULL;
    }
    b->text = text;
    r->content = b;
    return b;
}

/* {"output": "words"} and {"error": "words"} are words; everything else is told as JSON. */
static bool read_response(struct gemini_reading *g, uint32_t value, struct tool_result *r)
{
    uint32_t output = json_member(g->doc, value, STR("output"));
    uint32_t error = json_member(g->doc, value, STR("error"));
    bool one = json_count(g->doc, value) == 1;
    uint32_t words = one && output ? output : one && error ? error : JSON_NONE;
    r->is_error = one && error;
    if (json_count(g->doc, value) == 0)
        return true;
    if (json_is(g->doc, words, JSON_STRING)) {
        if (json_string_raw(g->doc, words).len == 0)
            return true;
        return result_text(g, r, raw_of_node(g->doc, words)) != NULL;
    }
    r->json = words == JSON_NONE;
    str json = json_raw(g->doc, words ? words : value);
    return result_text(g, r, raw_of_text(g->arena, json)) != NULL;
}

static bool read_response_parts(struct gemini_reading *g, uint32_t parts, struct tool_result *r,
                                str path)
{
    struct block **end = &r->content;
    unsigned i = 0;
    while (*end)
        end = &(*end)->next;
    if (!json_is(g->doc, parts, JSON_ARRAY))
        return gemini_fault(g, path, "must be an array");
    JSON_EACH (part, g->doc, parts) {
        struct block *b = chat_new_block(g->chat, BLOCK_DOCUMENT);
        if (!b)
            return gemini_no_memory(g);
        if (!gemini_read_media(g, part, b, gemini_path_item(g, path, "", i++)))
            return false;
        *end = b;
        end = &b->next;
    }
    return true;
}

static bool read_result(struct gemini_reading *g, struct turn *t, uint32_t value, str path)
{
    static const struct {
        str name;
        enum field_class class;
    } extras[] = {{STR_INIT("willContinue"), FIELD_HINT}, {STR_INIT("scheduling"), FIELD_HINT}};
    str at = gemini_path(g, path, "functionResponse");
    str name = gemini_text(g, value, STR("name"), at), id = gemini_text(g, value, STR("id"), at);
    uint32_t response = gemini_given(g, value, STR("response"));
    uint32_t parts = gemini_given(g, value, STR("parts"));
    if (t->role != ROLE_USER)
        return gemini_fault(g, at, "only a user answers functions");
    if (!g->err && !name.len)
        return gemini_fault(g, gemini_path(g, at, "name"), "is needed");
    if (response != JSON_NONE && !json_is(g->doc, response, JSON_OBJECT))
        return gemini_fault(g, gemini_path(g, at, "response"), "must be an object");
    str by_name = id.len ? STR_NULL : call_by_name(g, name);
    struct block *b = g->err ? NULL : turn_add(g->chat, t, BLOCK_RESULT);
    if (!b)
        return gemini_no_memory(g);
    b->result.call_id = id.len ? id : by_name;
    b->result.name = name;
    for (unsigned i = 0; i < ARRAY_LEN(extras); i++) {
        uint32_t extra = gemini_given(g, value, extras[i].name);
        if (extra &&
            !gemini_extra(g, gemini_path(g, at, extras[i].name.ptr), extra, extras[i].class))
            return false;
    }
    if (response && !read_response(g, response, &b->result))
        return false;
    return !parts || read_response_parts(g, parts, &b->result, gemini_path(g, at, "parts"));
}

/* --- Parts ----------------------------------------------------------------------------------- */

static const struct {
    str name;
    enum field_class class;
} part_extras[] = {
    {STR_INIT("videoMetadata"), FIELD_HINT},
    {STR_INIT("mediaProcessing"), FIELD_HINT},
    {STR_INIT("speechMetadata"), FIELD_HINT},
    {STR_INIT("partMetadata"), FIELD_BOOKKEEPING},
};

static bool read_part_extras(struct gemini_reading *g, uint32_t part, str path)
{
    for (unsigned i = 0; i < ARRAY_LEN(part_extras); i++) {
        uint32_t value = gemini_given(g, part, part_extras[i].name);
        if (value && !gemini_extra(g, gemini_path(g, path, part_extras[i].name.ptr), value,
                                   part_extras[i].class))
            return false;
    }
    return true;
}

/* What Google's own tools said and did. */
static bool read_native(struct gemini_reading *g, struct turn *t, uint32_t part, str path)
{
    static const str kinds[] = {STR_INIT("executableCode"), STR_INIT("codeExecutionResult"),
                                STR_INIT("toolCall"), STR_INIT("toolResponse"),
                                STR_INIT("audioTranscription")};
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
        if (gemini_given(g, part, kinds[i]) == JSON_NONE)
            continue;
        struct block *b = turn_add(g->chat, t, BLOCK_NATIVE);
        if (!b)
            return gemini_no_memory(g);
        b->native = (struct native_block){NATIVE_GEMINI, kinds[i], json_raw(g->doc, part)};
        return true;
    }
    return gemini_fault(g, path,
                        "must have one of text, inlineData, fileData, functionCall, "
                        "functionResponse, executableCode, codeExecutionResult");
}

static bool read_part(struct gemini_reading *g, struct turn *t, uint32_t part, str path)
{
    uint32_t text = gemini_given(g, part, STR("text"));
    uint32_t call = gemini_given(g, part, STR("functionCall"));
    uint32_t result = gemini_given(g, part, STR("functionResponse"));
    if (!json_is(g->doc, part, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    if (!read_part_extras(g, part, path))
        return false;
    if (text != JSON_NONE)
        return read_text(g, t, part, text, path);
    gemini_end_run(g);
    if (json_is(g->doc, call, JSON_OBJECT))
        return read_call(g, t, part, call, path);
    if (json_is(g->doc, result, JSON_OBJECT))
        return read_result(g, t, result, path);
    if (gemini_given(g, part, STR("inlineData")) || gemini_given(g, part, STR("fileData"))) {
        struct block *b = turn_add(g->chat, t, BLOCK_DOCUMENT);
        if (!b)
            return gemini_no_memory(g);
        return gemini_read_media(g, part, b, path);
    }
    return read_native(g, t, part, path);
}

bool gemini_read_parts(struct gemini_reading *g, struct turn *t, uint32_t parts, str path)
{
    unsigned i = 0;
    if (parts == JSON_NONE)
        return true;
    if (!json_is(g->doc, parts, JSON_ARRAY))
        return gemini_fault(g, gemini_path(g, path, "parts"), "must be an array");
    JSON_EACH (part, g->doc, parts)
        if (!read_part(g, t, part, gemini_path_item(g, path, "parts", i++)))
            return false;
    return g->err == ERR_NONE;
}

/* --- Contents -------------------------------------------------------------------------------- */

static bool role_of(struct gemini_reading *g, uint32_t content, str path, enum role *role)
{
    str text = gemini_text(g, content, STR("role"), path);
    *role = str_eq(text, STR("model")) ? ROLE_ASSISTANT : ROLE_USER;
    if (g->err)
        return false;
    if (!text.len || *role == ROLE_ASSISTANT || str_eq(text, STR("user")) ||
        str_eq(text, STR("function")) || str_eq(text, STR("tool")))
        return true;
    return gemini_fault(g, gemini_path(g, path, "role"), "must be user or model");
}

bool gemini_read_contents(struct gemini_reading *g, uint32_t value, str path)
{
    unsigned i = 0;
    if (!json_is(g->doc, value, JSON_ARRAY) || json_count(g->doc, value) == 0)
        return gemini_fault(g, path, "must be an array of contents, and not be empty");
    JSON_EACH (content, g->doc, value) {
        enum role role;
        str at = gemini_path_item(g, path, "", i++);
        if (!json_is(g->doc, content, JSON_OBJECT))
            return gemini_fault(g, at, "must be an object");
        if (!role_of(g, content, at, &role))
            return false;
        struct turn *t = g->chat->turns_last;
        if (role == ROLE_USER)
            gemini_end_run(g);
        if (!t || t->role != ROLE_ASSISTANT || role != ROLE_ASSISTANT)
            t = chat_add_turn(g->chat, role, at); /* a model's chunks are one turn */
        if (!t)
            return gemini_no_memory(g);
        if (!gemini_read_parts(g, t, gemini_given(g, content, STR("parts")), at))
            return false;
    }
    gemini_end_run(g);
    return g->err == ERR_NONE;
}

bool gemini_read_system(struct gemini_reading *g, uint32_t value, str path)
{
    struct turn *t = chat_add_system(g->chat, path);
    if (!t)
        return gemini_no_memory(g);
    if (json_is(g->doc, value, JSON_STRING)) {
        struct block *b = turn_add(g->chat, t, BLOCK_TEXT);
        if (b)
            b->text = raw_of_node(g->doc, value);
        return b || gemini_no_memory(g);
    }
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be a content");
    return gemini_read_parts(g, t, gemini_given(g, value, STR("parts")), path);
}
