/* Pieces of answers of chat completions that streams and whole answers have alike (mapping.md §10, §12–14). */
#include "llm/dialect/openai_chat_writer.h"
#include "llm/signature.h"

#include <string.h>

str openai_chat_finish_name(enum finish finish, bool calls, bool refused)
{
    switch (finish) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return STR("length");
    case FINISH_REFUSAL:
    case FINISH_FILTERED:
        return STR("content_filter");
    case FINISH_STOP:
    case FINISH_STOP_SEQUENCE:
    case FINISH_CALLS:
    case FINISH_PAUSE:
    case FINISH_MALFORMED:
    case FINISH_OTHER:
        break;
    }
    if (refused)
        return STR("content_filter");
    return calls ? STR("tool_calls") : STR("stop");
}

struct raw openai_chat_refusal(struct raw words)
{
    return words.s.len ? words : RAW("The model refused.");
}

static int64_t known(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

void openai_usage_write(struct json_write *w, const struct usage *u)
{
    int64_t in = known(u->input) + known(u->cached) + known(u->cache_write);
    int64_t out = known(u->output) + known(u->reasoning);
    json_write_object(w);
    json_write_member_u64(w, STR("prompt_tokens"), (uint64_t)in);
    json_write_member_u64(w, STR("completion_tokens"), (uint64_t)out);
    json_write_member_u64(w, STR("total_tokens"), (uint64_t)(in + out));
    json_write_key(w, STR("prompt_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("cached_tokens"), (uint64_t)known(u->cached));
    if (u->cache_write >= 0)
        json_write_member_u64(w, STR("cache_write_tokens"), (uint64_t)u->cache_write);
    json_write_object_end(w);
    json_write_key(w, STR("completion_tokens_details"));
    json_write_object(w);
    json_write_member_u64(w, STR("reasoning_tokens"), (uint64_t)known(u->reasoning));
    json_write_object_end(w);
    json_write_object_end(w);
}

void openai_chat_write_head(struct answer_writer *w, struct json_write *j, str object)
{
    str prefix = openai_chat_is_legacy(w) ? STR("cmpl-") : STR("chatcmpl-");
    str id[] = {w->id_is_own ? prefix : STR(""), w->id};
    json_write_object(j);
    json_write_member(j, STR("id"), arena_concat(w->scratch, id, ARRAY_LEN(id)));
    json_write_member(j, STR("object"), object);
    json_write_key(j, STR("created"));
    json_write_i64(j, w->created_s);
    json_write_member(j, STR("model"), w->model);
    json_write_key(j, STR("choices"));
    json_write_array(j);
}

/* --- Reasoning -------------------------------------------------------------------------------------------- */

/* Anthropic's go as they are, as other gateways send them; of others it is said whose they are. */
static str wrapped(struct answer_writer *w, enum native_format format, str opaque)
{
    str text = format == NATIVE_ANTHROPIC ? opaque
                                          : signature_wrap(w->scratch, NATIVE_NONE, format, opaque);
    if (str_is_null(text))
        w->out->failed = true;
    return text;
}

void openai_chat_write_thinking(struct answer_writer *w, struct json_write *j, struct raw text,
                                enum native_format format, str signature)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("thinking"));
    json_write_key(j, STR("thinking"));
    json_write_raw_string(j, text.s);
    json_write_member(j, STR("signature"), wrapped(w, format, signature));
    json_write_object_end(j);
}

void openai_chat_write_redacted(struct answer_writer *w, struct json_write *j,
                                enum native_format format, str data)
{
    json_write_object(j);
    json_write_member(j, STR("type"), STR("redacted_thinking"));
    json_write_member(j, STR("data"), wrapped(w, format, data));
    json_write_object_end(j);
}

/* --- Calls ------------------------------------------------------------------------------------------------ */

void openai_chat_write_call_signature(struct json_write *j, str signature)
{
    if (!signature.len)
        return;
    json_write_key(j, STR("extra_content"));
    json_write_object(j);
    json_write_key(j, STR("google"));
    json_write_object(j);
    json_write_member(j, STR("thought_signature"), signature);
    json_write_object_end(j);
    json_write_object_end(j);
}

str openai_chat_call_id(struct answer_writer *w, str id, unsigned choice, unsigned number)
{
    return id.len ? id
                  : arena_printf(w->scratch, "call_%.*s_%u_%u", STR_ARG(str_first(w->id, 24)),
                                 choice, number);
}

bool openai_chat_is_custom(const struct answer_writer *w, str name)
{
    for (const struct tool *t = w->chat->tools; t; t = t->next)
        if (t->custom && str_eq(t->name, name))
            return true;
    return false;
}

struct raw openai_chat_custom_input(struct answer_writer *w, str arguments)
{
    struct json_doc doc;
    struct raw input = RAW_NULL;
    if (arguments.len && !json_parse(&doc, w->scratch, arguments, NULL))
        input = raw_of_node(&doc, json_member(&doc, JSON_ROOT, STR("input")));
    if (str_is_null(input.s))
        input = arguments.len ? raw_of_text(w->scratch, arguments) : RAW("");
    if (str_is_null(input.s))
        w->out->failed = true;
    return input;
}

/* --- Beside the text ---------------------------------------------------------------------------------------- */

uint64_t openai_chat_characters(struct raw text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.s.len;) {
        const char *at = text.s.ptr + i;
        if (*at != '\\') {
            count += ((unsigned char)*at & 0xc0) != 0x80;
            i++;
        } else if (i + 5 < text.s.len && at[1] == 'u') {
            bool low = (at[2] | 0x20) == 'd' && strchr("cdefCDEF", at[3]); /* half of one */
            count += !low;
            i += 6;
        } else {
            count++;
            i += 2;
        }
    }
    return count;
}

void openai_chat_write_annotation(struct json_write *j, const struct citation *c, uint64_t from,
                                  uint64_t to)
{
    bool placed = c->start >= 0 && c->end >= c->start;
    json_write_object(j);
    json_write_member(j, STR("type"), STR("url_citation"));
    json_write_key(j, STR("url_citation"));
    json_write_object(j);
    json_write_key(j, STR("url"));
    json_write_raw_string(j, c->url.s);
    json_write_key(j, STR("title"));
    json_write_raw_string(j, c->title.s);
    json_write_member_u64(j, STR("start_index"), placed ? from + (uint64_t)c->start : from);
    json_write_member_u64(j, STR("end_index"), placed ? from + (uint64_t)c->end : to);
    json_write_object_end(j);
    json_write_object_end(j);
}

bool openai_chat_is_picture(const struct media *m)
{
    return m->source == MEDIA_BASE64 && str_starts(m->mime, STR("image/"));
}

void openai_chat_write_picture(struct answer_writer *w, struct json_write *j, const struct media *m)
{
    str pieces[] = {STR("data:"), m->mime, STR(";base64,"), m->data};
    str url = arena_concat(w->scratch, pieces, ARRAY_LEN(pieces));
    if (str_is_null(url))
        w->out->failed = true;
    json_write_object(j);
    json_write_member(j, STR("type"), STR("image_url"));
    json_write_key(j, STR("image_url"));
    json_write_object(j);
    json_write_member(j, STR("url"), url);
    json_write_object_end(j);
    json_write_object_end(j);
}

void openai_chat_write_logprobs(struct answer_writer *w, struct json_write *j, str elements)
{
    json_write_key(j, STR("logprobs"));
    if (!elements.len || openai_chat_is_legacy(w)) {
        json_write_null(j);
        return;
    }
    str pieces[] = {STR("["), elements, STR("]")};
    str list = arena_concat(w->scratch, pieces, ARRAY_LEN(pieces));
    if (str_is_null(list)) {
        w->out->failed = true;
        return;
    }
    json_write_object(j);
    json_write_member_raw(j, STR("content"), list);
    json_write_member_raw(j, STR("refusal"), STR("null"));
    json_write_object_end(j);
}

void openai_chat_write_finish(struct json_write *j, str name, enum finish finish, str reason)
{
    json_write_key(j, STR("finish_reason"));
    if (!name.len) {
        json_write_null(j);
        return;
    }
    json_write_string(j, name);
    if (finish == FINISH_MALFORMED && reason.len)
        json_write_member(j, STR("native_finish_reason"), reason);
}
