/*
 * The input of a Responses request: its items, each by its row below, into turns.  What the assistant
 * said, thought and called without an interruption is one turn, so that parallel calls stay together;
 * otherwise an item is a turn, and chat_normalize() joins what belongs together.
 */
#include "llm/dialect/openai_responses_impl.h"
#include "llm/signature.h"

/* --- Turns ----------------------------------------------------------------------------------------------- */

static struct turn *add_turn(struct responses_reading *r, enum role role)
{
    struct turn *last = r->chat->turns_last;
    r->leading = false;
    if (role == ROLE_ASSISTANT && last && last->role == role)
        return last;
    str path = responses_path(r, -1, "");
    struct turn *t = r->err ? NULL : chat_add_turn(r->chat, role, path);
    if (!t)
        responses_no_memory(r);
    return t;
}

static struct block *add_block(struct responses_reading *r, struct turn *t, enum block_kind kind)
{
    struct block *b = t ? turn_add(r->chat, t, kind) : NULL;
    if (!b)
        responses_no_memory(r);
    return b;
}

static bool part_fault(struct responses_reading *r, int part, const char *member, const char *text)
{
    str field = responses_path(r, part, member);
    return !r->err && responses_fault(r, field, text);
}

/* --- Parts ---------------------------------------------------------------------------------------------------- */

static void read_mark(struct responses_reading *r, uint32_t part, struct block *b)
{
    uint32_t mark = responses_given(r, part, STR("prompt_cache_breakpoint"));
    uint32_t ttl = json_member(r->doc, mark, STR("ttl"));
    if (mark == JSON_NONE)
        return;
    b->cached = true;
    b->cache_ttl_s = responses_is(r, ttl, "12h")   ? 12 * 3600
                     : responses_is(r, ttl, "30m") ? 1800
                                                   : 0;
}

static bool text_part(struct responses_reading *r, uint32_t part, int at, struct block *b)
{
    b->text = raw_of_node(r->doc, json_member(r->doc, part, STR("text")));
    return !str_is_null(b->text.s) || part_fault(r, at, "text", "must be a string");
}

static bool refusal_part(struct responses_reading *r, uint32_t part, int at, struct block *b)
{
    b->text = raw_of_node(r->doc, json_member(r->doc, part, STR("refusal")));
    return !str_is_null(b->text.s) || part_fault(r, at, "refusal", "must be a string");
}

static bool file_id(struct responses_reading *r, uint32_t node, struct media *m)
{
    m->source = MEDIA_FILE_ID;
    m->format = NATIVE_OPENAI;
    m->data = responses_decode(r, node);
    return !r->err;
}

static void read_detail(struct responses_reading *r, uint32_t part, struct media *m)
{
    static const struct {
        const char *name;
        enum media_detail detail;
    } names[] = {{"low", DETAIL_LOW},
                 {"high", DETAIL_HIGH},
                 {"auto", DETAIL_AUTO},
                 {"original", DETAIL_ORIGINAL}};
    uint32_t detail = json_member(r->doc, part, STR("detail"));
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (responses_is(r, detail, names[i].name))
            m->detail = names[i].detail;
}

/* The url of an image or file; data: urls are taken apart. */
static bool media_url(struct responses_reading *r, uint32_t node, int at, const char *member,
                      struct media *m)
{
    if (!json_is(r->doc, node, JSON_STRING))
        return part_fault(r, at, member, "must be a string");
    str url = responses_decode(r, node);
    if (r->err)
        return false;
    return media_from_url(r->arena, url, m) ||
           part_fault(r, at, member, "must be an address, or data as base64");
}

static bool image_part(struct responses_reading *r, uint32_t part, int at, struct block *b)
{
    uint32_t url = responses_given(r, part, STR("image_url"));
    uint32_t id = responses_given(r, part, STR("file_id"));
    if (url == JSON_NONE && json_is(r->doc, id, JSON_STRING)) {
        if (!file_id(r, id, &b->media))
            return false;
    } else if (!media_url(r, url, at, "image_url", &b->media)) {
        return false;
    }
    if (str_eq(b->media.mime, STR("application/pdf")))
        b->kind = BLOCK_DOCUMENT;
    read_detail(r, part, &b->media);
    return true;
}

/* Types that a file's name tells, when nothing else does. */
static str mime_of_name(str name)
{
    static const struct {
        const char *suffix, *mime;
    } types[] = {{".pdf", "application/pdf"}, {".txt", "text/plain"},
                 {".md", "text/markdown"},    {".csv", "text/csv"},
                 {".html", "text/html"},      {".json", "application/json"}};
    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if (str_ends(name, str_from_c(types[i].suffix)))
            return str_from_c(types[i].mime);
    return STR_NULL;
}

static bool file_part(struct responses_reading *r, uint32_t part, int at, struct block *b)
{
    struct media *m = &b->media;
    uint32_t data = responses_given(r, part, STR("file_data"));
    uint32_t url = responses_given(r, part, STR("file_url"));
    uint32_t id = responses_given(r, part, STR("file_id"));
    str name = responses_decode(r, json_member(r->doc, part, STR("filename")));
    bool ok;
    if (data != JSON_NONE)
        ok = media_url(r, data, at, "file_data", m);
    else if (json_is(r->doc, id, JSON_STRING))
        ok = file_id(r, id, m);
    else
        ok = media_url(r, url, at, "file_url", m);
    if (!ok)
        return false;
    m->name = name;
    if (!m->mime.len)
        m->mime = mime_of_name(name);
    read_detail(r, part, m);
    return true;
}

static bool audio_part(struct responses_reading *r, uint32_t part, int at, struct block *b)
{
    uint32_t audio = json_member(r->doc, part, STR("input_audio"));
    str pieces[] = {STR("audio/"), responses_decode(r, json_member(r->doc, audio, STR("format")))};
    b->media.source = MEDIA_BASE64;
    b->media.data = responses_decode(r, json_member(r->doc, audio, STR("data")));
    b->media.mime = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (r->err || !b->media.data.len || !pieces[1].len)
        return part_fault(r, at, "input_audio", "must have data and format");
    return true;
}

static const struct part_row {
    const char *type;
    enum block_kind kind;
    bool (*read)(struct responses_reading *r, uint32_t part, int at, struct block *b);
} part_rows[] = {
    {"input_text", BLOCK_TEXT, text_part},    {"output_text", BLOCK_TEXT, text_part},
    {"text", BLOCK_TEXT, text_part},          {"refusal", BLOCK_REFUSAL, refusal_part},
    {"input_image", BLOCK_IMAGE, image_part}, {"input_file", BLOCK_DOCUMENT, file_part},
    {"input_audio", BLOCK_AUDIO, audio_part},
};

static const struct part_row *row_of_part(struct responses_reading *r, uint32_t part, int at)
{
    uint32_t type = json_member(r->doc, part, STR("type"));
    for (unsigned i = 0; i < ARRAY_LEN(part_rows); i++)
        if (responses_is(r, type, part_rows[i].type))
            return &part_rows[i];
    part_fault(r, at, "type",
               "must be one of input_text, input_image, input_file, output_text, refusal");
    return NULL;
}

static bool read_part(struct responses_reading *r, uint32_t part, int at, struct turn *t)
{
    const struct part_row *row = row_of_part(r, part, at);
    struct block *b = row ? add_block(r, t, row->kind) : NULL;
    if (!b)
        return false;
    read_mark(r, part, b);
    return row->read(r, part, at, b);
}

/* A string, or parts. */
static bool read_content(struct responses_reading *r, uint32_t content, struct turn *t)
{
    int at = 0;
    if (json_is(r->doc, content, JSON_STRING)) {
        struct block *b = add_block(r, t, BLOCK_TEXT);
        if (b)
            b->text = raw_of_node(r->doc, content);
        return b != NULL;
    }
    if (!json_is(r->doc, content, JSON_ARRAY))
        return part_fault(r, -1, "content", "must be a string or an array of parts");
    JSON_EACH (part, r->doc, content)
        if (!read_part(r, part, at++, t))
            return false;
    return true;
}

/* --- Items ---------------------------------------------------------------------------------------------------- */

static bool message(struct responses_reading *r, uint32_t item)
{
    static const struct {
        const char *name;
        enum role role;
        bool developer;
    } roles[] = {{"user", ROLE_USER, false},
                 {"assistant", ROLE_ASSISTANT, false},
                 {"system", ROLE_SYSTEM, false},
                 {"developer", ROLE_SYSTEM, true}};
    uint32_t name = json_member(r->doc, item, STR("role"));
    for (unsigned i = 0; i < ARRAY_LEN(roles); i++) {
        if (!responses_is(r, name, roles[i].name))
            continue;
        bool first = r->leading && roles[i].role == ROLE_SYSTEM;
        struct turn *t = first ? chat_add_system(r->chat, responses_path(r, -1, ""))
                               : add_turn(r, roles[i].role);
        if (!t)
            return responses_no_memory(r);
        t->developer = roles[i].developer;
        return read_content(r, json_member(r->doc, item, STR("content")), t);
    }
    return part_fault(r, -1, "role", "must be one of user, assistant, system, developer");
}

static struct block *add_call(struct responses_reading *r, uint32_t item)
{
    str id = responses_decode(r, json_member(r->doc, item, STR("call_id")));
    str name = responses_decode(r, json_member(r->doc, item, STR("name")));
    if (!r->err && !id.len)
        part_fault(r, -1, "call_id", "must be a string that is not empty");
    if (!r->err && !name.len)
        part_fault(r, -1, "name", "must be a string that is not empty");
    struct block *b = r->err ? NULL : add_block(r, add_turn(r, ROLE_ASSISTANT), BLOCK_CALL);
    if (!b)
        return NULL;
    b->call.id = id;
    b->call.name = responses_flat_name(r, json_member(r->doc, item, STR("namespace")), name);
    b->call.item_id = responses_decode(r, json_member(r->doc, item, STR("id")));
    b->call.signature = r->call_signature;
    r->call_signature = STR_NULL;
    return r->err ? NULL : b;
}

static bool function_call(struct responses_reading *r, uint32_t item)
{
    uint32_t arguments = responses_given(r, item, STR("arguments"));
    if (arguments != JSON_NONE && !json_is(r->doc, arguments, JSON_STRING))
        return part_fault(r, -1, "arguments", "must be a string");
    struct block *b = add_call(r, item);
    if (!b)
        return false;
    str text = responses_decode(r, arguments);
    return !r->err && (chat_set_arguments(r->chat, &b->call, text) || responses_no_memory(r));
}

static bool custom_call(struct responses_reading *r, uint32_t item)
{
    uint32_t input = json_member(r->doc, item, STR("input"));
    if (!json_is(r->doc, input, JSON_STRING))
        return part_fault(r, -1, "input", "must be a string");
    struct block *b = add_call(r, item);
    if (!b)
        return false;
    str pieces[] = {STR("{\"input\":"), json_raw(r->doc, input), STR("}")};
    b->call.custom = true;
    b->call.arguments = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    return !str_is_null(b->call.arguments) || responses_no_memory(r);
}

static bool output_part(struct responses_reading *r, uint32_t part, int at, struct block ***end)
{
    const struct part_row *row = row_of_part(r, part, at);
    if (!row)
        return false;
    struct block *b = chat_new_block(r->chat, row->kind);
    if (!b)
        return responses_no_memory(r);
    **end = b;
    *end = &b->next;
    return row->read(r, part, at, b);
}

static bool read_output(struct responses_reading *r, uint32_t output, struct tool_result *result)
{
    struct block **end = &result->content;
    int at = 0;
    if (json_is(r->doc, output, JSON_STRING)) {
        result->content = chat_new_block(r->chat, BLOCK_TEXT);
        if (!result->content)
            return responses_no_memory(r);
        result->content->text = raw_of_node(r->doc, output);
        return true;
    }
    if (!json_is(r->doc, output, JSON_ARRAY))
        return part_fault(r, -1, "output", "must be a string or an array of parts");
    JSON_EACH (part, r->doc, output)
        if (!output_part(r, part, at++, &end))
            return false;
    return true;
}

static bool call_output(struct responses_reading *r, uint32_t item)
{
    str id = responses_decode(r, json_member(r->doc, item, STR("call_id")));
    if (!r->err && !id.len)
        return part_fault(r, -1, "call_id", "must be the id of a call");
    struct block *b = r->err ? NULL : add_block(r, add_turn(r, ROLE_USER), BLOCK_RESULT);
    if (!b)
        return false;
    b->result.call_id = id;
    r->in_output = true;
    bool ok = read_output(r, json_member(r->doc, item, STR("output")), &b->result);
    r->in_output = false;
    return ok;
}

/* --- Reasoning ---------------------------------------------------------------------------------------------------- */

static bool add_summary(struct responses_reading *r, uint32_t part, struct reasoning *to,
                        struct block ***end)
{
    struct raw text = raw_of_node(r->doc, json_member(r->doc, part, STR("text")));
    if (str_is_null(text.s))
        return true;
    if (str_is_null(to->text.s)) {
        to->text = text;
        return true;
    }
    struct block *b = chat_new_block(r->chat, BLOCK_TEXT);
    if (!b)
        return responses_no_memory(r);
    b->text = text;
    **end = b;
    *end = &b->next;
    return true;
}

/* The summary, or the text itself of models that show it. */
static bool read_thoughts(struct responses_reading *r, uint32_t item, struct reasoning *to)
{
    static const str lists[] = {STR_INIT("summary"), STR_INIT("content")};
    struct block **end = &to->summary;
    for (unsigned i = 0; i < ARRAY_LEN(lists) && str_is_null(to->text.s); i++) {
        uint32_t list = json_member(r->doc, item, lists[i]);
        if (!json_is(r->doc, list, JSON_ARRAY))
            continue;
        JSON_EACH (part, r->doc, list)
            if (!add_summary(r, part, to, &end))
                return false;
    }
    return true;
}

/* Whose the opaque text is, and which kind it is of. */
static bool read_opaque(struct responses_reading *r, str encrypted, struct reasoning *to)
{
    static const str redacted = STR_INIT(RESPONSES_REDACTED), on_call = STR_INIT(RESPONSES_ON_CALL);
    str opaque;
    if (!encrypted.len)
        return true;
    to->format = signature_unwrap(r->arena, NATIVE_OPENAI, encrypted, &opaque);
    if (to->format == NATIVE_OPENAI) {
        to->encrypted = opaque;
    } else if (str_starts(opaque, on_call)) {
        r->call_signature = str_from(opaque, on_call.len);
        to->format = NATIVE_NONE;
    } else if (str_starts(opaque, redacted)) {
        to->encrypted = str_from(opaque, redacted.len);
    } else {
        to->signature = opaque;
    }
    return true;
}

static bool reasoning(struct responses_reading *r, uint32_t item)
{
    struct reasoning read = {0};
    read.item_id = responses_decode(r, json_member(r->doc, item, STR("id")));
    str encrypted = responses_decode(r, responses_given(r, item, STR("encrypted_content")));
    if (r->err || !read_thoughts(r, item, &read) || !read_opaque(r, encrypted, &read))
        return false;
    if (str_is_null(read.text.s) && read.format == NATIVE_NONE)
        return true; /* nothing is left of it */
    struct block *b = add_block(r, add_turn(r, ROLE_ASSISTANT), BLOCK_REASONING);
    if (b)
        b->reasoning = read;
    return b != NULL;
}

/* --- Items that only OpenAI has --------------------------------------------------------------------------------------- */

static bool add_native(struct responses_reading *r, uint32_t item, enum role role)
{
    str type = responses_decode(r, json_member(r->doc, item, STR("type")));
    struct block *b = r->err ? NULL : add_block(r, add_turn(r, role), BLOCK_NATIVE);
    if (!b)
        return false;
    b->native = (struct native_block){
        .format = NATIVE_OPENAI, .type = type, .json = json_raw(r->doc, item)};
    return true;
}

static bool native_call(struct responses_reading *r, uint32_t item)
{
    return add_native(r, item, ROLE_ASSISTANT);
}

static bool native_output(struct responses_reading *r, uint32_t item)
{
    return add_native(r, item, ROLE_USER);
}

/* Beside its place in the conversation, an extra by which others say that they cannot have it. */
static bool add_foreign(struct responses_reading *r, uint32_t item, enum field_class class)
{
    str path = responses_path(r, -1, "type");
    return !r->err && responses_extra(r, path, json_member(r->doc, item, STR("type")), class) &&
           add_native(r, item, ROLE_ASSISTANT);
}

/* What it stands for, nobody else can read. */
static bool compaction(struct responses_reading *r, uint32_t item)
{
    return add_foreign(r, item, FIELD_MEANING);
}

static bool item_reference(struct responses_reading *r, uint32_t item)
{
    (void)item;
    return part_fault(r, -1, "id", "refers to an item that is not kept here: send the item itself");
}

static bool configuration_update(struct responses_reading *r, uint32_t item)
{
    r->update = item;
    return true;
}

static bool additional_tools(struct responses_reading *r, uint32_t item)
{
    str path = responses_path(r, -1, "tools");
    return !r->err && responses_read_tools(r, json_member(r->doc, item, STR("tools")), path);
}

static const struct item_row {
    const char *type;
    bool (*read)(struct responses_reading *r, uint32_t item);
} item_rows[] = {
    {"message", message},
    {"function_call", function_call},
    {"function_call_output", call_output},
    {"reasoning", reasoning},
    {"custom_tool_call", custom_call},
    {"custom_tool_call_output", call_output},
    {"item_reference", item_reference},
    {"configuration_update", configuration_update},
    {"additional_tools", additional_tools},
    {"web_search_call", native_call},
    {"file_search_call", native_call},
    {"code_interpreter_call", native_call},
    {"image_generation_call", native_call},
    {"computer_call", native_call},
    {"computer_call_output", native_output},
    {"mcp_list_tools", native_call},
    {"mcp_call", native_call},
    {"mcp_approval_request", native_call},
    {"mcp_approval_response", native_output},
    {"local_shell_call", native_call},
    {"local_shell_call_output", native_output},
    {"shell_call", native_call},
    {"shell_call_output", native_output},
    {"apply_patch_call", native_call},
    {"apply_patch_call_output", native_output},
    {"tool_search_call", native_call},
    {"tool_search_output", native_output},
    {"program", native_call},
    {"program_output", native_output},
    {"compaction", compaction},
    {"compaction_trigger", compaction},
};

/* Without a type it is a message, or a reference when it has nothing but an id. */
static bool untyped(struct responses_reading *r, uint32_t item)
{
    bool role = json_member(r->doc, item, STR("role")) != JSON_NONE;
    bool id = json_member(r->doc, item, STR("id")) != JSON_NONE;
    return role || !id ? message(r, item) : item_reference(r, item);
}

static bool read_item(struct responses_reading *r, uint32_t item)
{
    uint32_t type = responses_given(r, item, STR("type"));
    if (!json_is(r->doc, item, JSON_OBJECT))
        return part_fault(r, -1, "type", "must be the type of an item: this is no object");
    if (type == JSON_NONE)
        return untyped(r, item);
    for (unsigned i = 0; i < ARRAY_LEN(item_rows); i++)
        if (responses_is(r, type, item_rows[i].type))
            return item_rows[i].read(r, item);
    if (!json_is(r->doc, type, JSON_STRING))
        return part_fault(r, -1, "type", "must be a string");
    return add_foreign(r, item, FIELD_UNKNOWN);
}

bool responses_read_input(struct responses_reading *r, uint32_t input)
{
    if (json_is(r->doc, input, JSON_STRING)) {
        struct turn *t = chat_add_turn(r->chat, ROLE_USER, STR("input"));
        return t ? read_content(r, input, t) : responses_no_memory(r);
    }
    if (!json_is(r->doc, input, JSON_ARRAY))
        return responses_fault(r, STR("input"), "must be a string or an array of items");
    r->item = 0;
    JSON_EACH (item, r->doc, input) {
        if (!read_item(r, item))
            return false;
        r->item++;
    }
    return true;
}

bool responses_read_instructions(struct responses_reading *r, uint32_t value)
{
    if (!json_is(r->doc, value, JSON_STRING) && !json_is(r->doc, value, JSON_ARRAY))
        return responses_fault(r, STR("instructions"), "must be a string");
    if (json_is(r->doc, value, JSON_ARRAY)) /* items, as the answer may repeat them */
        return responses_read_input(r, value);
    struct turn *t = chat_add_system(r->chat, STR("instructions"));
    return t ? read_content(r, value, t) : responses_no_memory(r);
}
