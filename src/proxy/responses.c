#include "proxy/responses.h"

#include "base/log.h"
#include "llm/dialect/openai_responses.h"
#include "policy/response_store.h"
#include "proxy/relay_impl.h"
#include "proxy/relay_translated.h"
#include "proxy/translate.h"
#include "wire/json_edit.h"
#include "wire/json_write.h"
#include "wire/url.h"

/* root, input, item. */
static const struct json_options shallow = {.index_depth = 3};

static struct response_store *store_of(const struct request *r)
{
    return r->worker->options.responses;
}

static uint64_t now_ms(const struct request *r)
{
    return loop_now_us(r->worker->loop) / 1000;
}

/* Who may see it: the tenant, or the key alone.  Null: no memory. */
static str scope_of(const struct request *r)
{
    if (!r->key)
        return STR("");
    bool tenant = r->key->tenant.len > 0;
    str pieces[] = {tenant ? STR("tenant ") : STR("key "), tenant ? r->key->tenant : r->key->name};
    return arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
}

static enum stage_verdict no_memory(struct request *r)
{
    return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
}

/* "resp_x" -> "x", "msg_x_3" -> "x": what the ids of a response's items are made of. */
static str base_of(str id)
{
    ptrdiff_t at = str_find_byte(id, '_');
    return str_from(id, at < 0 ? 0 : (size_t)at + 1);
}

/* --- Keeping --------------------------------------------------------------------------------------------- */

/* The elements of the response's output, within its text; null: not readable. */
static str output_of(struct request *r, str response)
{
    static const struct json_options members = {.index_depth = 1};
    struct json_doc doc;
    if (json_parse(&doc, r->arena, response, &members))
        return STR_NULL;
    uint32_t output = json_member(&doc, JSON_ROOT, STR("output"));
    str raw = json_raw(&doc, output);
    return json_is(&doc, output, JSON_ARRAY) ? str_make(raw.ptr + 1, raw.len - 2) : STR_NULL;
}

static str own_items(struct request *r, str id)
{
    struct json_doc doc;
    if (json_parse(&doc, r->arena, r->responses->input, &shallow))
        return STR_NULL;
    return responses_listed_items(&doc, JSON_ROOT, base_of(id), r->arena);
}

void responses_keep(struct request *r)
{
    struct relay_translation *t = r->relay->translation;
    struct stored_response kept = {0};
    if (!r->responses || !store_of(r) || r->kind != ENDPOINT_RESPONSES)
        return;
    kept.response = responses_written(&t->writer, &kept.id);
    if (!kept.response.len)
        return;
    kept.previous = r->responses->previous;
    kept.input = own_items(r, kept.id);
    kept.output = output_of(r, kept.response);
    str scope = scope_of(r);
    if (str_is_null(kept.input) || str_is_null(kept.output) || str_is_null(scope) ||
        !response_store_save(store_of(r), now_ms(r), scope, &kept))
        log_debug("response %.*s is not kept: it is too large, or memory is short",
                  STR_ARG(kept.id));
}

/* --- Going on ----------------------------------------------------------------------------------------------- */

/* Looks for a kept item by its id, which has its response's within.  False: no memory. */
static bool find_item(struct request *r, str scope, str id, str *json)
{
    struct stored_response kept;
    struct json_doc doc;
    str base = base_of(id);
    size_t end = base.len;
    while (end > 0 && base.ptr[end - 1] != '_')
        end--;
    *json = STR_NULL;
    if (!end)
        return true;
    str pieces[] = {STR("resp_"), str_first(base, end - 1)};
    str response = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(response))
        return false;
    enum response_found found =
        response_store_get(store_of(r), now_ms(r), scope, response, r->arena, &kept);
    if (found != RESPONSE_FOUND)
        return found == RESPONSE_NOT_FOUND;
    str items[] = {STR("["), kept.input, kept.input.len && kept.output.len ? STR(",") : STR(""),
                   kept.output, STR("]")};
    str list = arena_concat(r->arena, items, ARRAY_LEN(items));
    if (str_is_null(list) || json_parse(&doc, r->arena, list, &shallow))
        return false;
    JSON_EACH (item, &doc, JSON_ROOT) {
        uint32_t name = json_member(&doc, item, STR("id"));
        if (json_is(&doc, name, JSON_STRING) && json_string_eq(&doc, name, id))
            *json = json_raw(&doc, item);
    }
    return true;
}

/* The id that the item refers to; null: it is no reference. */
static str reference_of(struct request *r, uint32_t item)
{
    uint32_t type = json_member(&r->doc, item, STR("type"));
    uint32_t id = json_member(&r->doc, item, STR("id"));
    bool says =
        json_is(&r->doc, type, JSON_STRING) && json_string_eq(&r->doc, type, STR("item_reference"));
    bool bare = !json_is(&r->doc, type, JSON_STRING) &&
                json_member(&r->doc, item, STR("role")) == JSON_NONE;
    str text = STR_NULL;
    if ((!says && !bare) || !json_is(&r->doc, id, JSON_STRING) ||
        json_string_decode(&r->doc, id, r->arena, &text))
        return STR_NULL;
    return text;
}

/* The items of an input array, those that are references replaced where what they refer to is kept here.
 * Null: no memory. */
static str resolved_items(struct request *r, str scope, uint32_t input)
{
    struct buf text;
    bool ok = true;
    buf_init(&text, 0);
    JSON_EACH (item, &r->doc, input) {
        str json = STR_NULL, id = reference_of(r, item);
        ok = ok && (!id.len || find_item(r, scope, id, &json));
        if (text.len)
            buf_add_byte(&text, ',');
        buf_add_str(&text, json.len ? json : json_raw(&r->doc, item));
    }
    str items = ok && !text.failed ? arena_str(r->arena, buf_str(&text)) : STR_NULL;
    buf_release(&text);
    return items;
}

/* The request's own items: elements of an array.  Null: no memory. */
static str input_items(struct request *r, str scope, uint32_t input)
{
    if (json_is(&r->doc, input, JSON_ARRAY))
        return resolved_items(r, scope, input);
    str pieces[] = {STR("{\"type\":\"message\",\"role\":\"user\",\"content\":"),
                    json_raw(&r->doc, input), STR("}")};
    return arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
}

static bool has_references(struct request *r, uint32_t input)
{
    if (json_is(&r->doc, input, JSON_ARRAY))
        JSON_EACH (item, &r->doc, input)
            if (reference_of(r, item).len)
                return true;
    return false;
}

/* The body with another input, and without previous_response_id. */
static bool replace_input(struct request *r, uint32_t input, str history, str own)
{
    struct json_edit edit;
    struct json_parts parts;
    uint32_t previous = json_member_name(&r->doc, JSON_ROOT, STR("previous_response_id"));
    str pieces[] = {STR("["), history, history.len && own.len ? STR(",") : STR(""), own, STR("]")};
    str all = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(all))
        return false;
    json_edit_init(&edit, &r->doc, r->arena);
    json_edit_replace(&edit, input, all);
    if (history.ptr && previous != JSON_NONE)
        json_edit_remove(&edit, JSON_ROOT, previous);
    if (json_edit_finish(&edit, &parts))
        return false;
    str body = arena_concat(r->arena, parts.parts, (unsigned)parts.count);
    if (str_is_null(body) || json_parse(&r->doc, r->arena, body, &shallow))
        return false;
    r->body_text = body;
    if (r->model_node != JSON_NONE)
        r->model_node = json_member(&r->doc, JSON_ROOT, STR("model"));
    return true;
}

/* Whether some target keeps responses itself: the id may be its own. */
static bool any_keeps(const struct request *r)
{
    for (unsigned i = 0; i < r->target_count; i++)
        if (translate_kind(r->kind, &r->targets[i], NULL) == r->kind)
            return true;
    return false;
}

/* The conversation before; null: it is not kept here.  False: the request is over. */
static bool find_history(struct request *r, str scope, str *history)
{
    uint32_t node = json_member(&r->doc, JSON_ROOT, STR("previous_response_id"));
    str id;
    *history = STR_NULL;
    if (!json_is(&r->doc, node, JSON_STRING))
        return true;
    enum response_found found = RESPONSE_NO_MEMORY;
    if (!json_string_decode(&r->doc, node, r->arena, &id))
        found = response_store_items(store_of(r), now_ms(r), scope, id, true, r->arena, history);
    if (found == RESPONSE_FOUND)
        r->responses->previous = id;
    if (found == RESPONSE_NO_MEMORY) {
        no_memory(r);
        return false;
    }
    if (found == RESPONSE_NOT_FOUND && !any_keeps(r)) {
        stage_refuse(r, ERR_RESPONSE_UNKNOWN, STR("previous_response_id"),
                     "Previous response with id '%.*s' not found.", STR_ARG(str_first(id, 100)));
        return false;
    }
    return true;
}

enum stage_verdict responses_continue(struct request *r)
{
    if (r->kind != ENDPOINT_RESPONSES || !store_of(r))
        return STAGE_NEXT;
    uint32_t input = json_member(&r->doc, JSON_ROOT, STR("input"));
    str scope = scope_of(r), history;
    if (!json_is(&r->doc, input, JSON_STRING) && !json_is(&r->doc, input, JSON_ARRAY))
        return STAGE_NEXT; /* told by who reads it */
    r->responses = arena_zalloc(r->arena, sizeof(*r->responses));
    if (!r->responses || str_is_null(scope))
        return no_memory(r);
    r->responses->input = json_raw(&r->doc, input);
    if (!find_history(r, scope, &history))
        return STAGE_DONE;
    if (!history.ptr && !has_references(r, input))
        return STAGE_NEXT;
    str own = input_items(r, scope, input);
    str pieces[] = {STR("["), own, STR("]")};
    if (str_is_null(own))
        return no_memory(r);
    r->responses->input = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(r->responses->input) || !replace_input(r, input, history, own))
        return no_memory(r);
    return STAGE_NEXT;
}

bool responses_note_previous(const struct request *r, struct chat *c)
{
    if (!r->responses || !r->responses->previous.len)
        return true;
    str json = json_quote(c->arena, r->responses->previous);
    return !str_is_null(json) &&
           chat_add_extra(c, NATIVE_OPENAI, STR(RESPONSES_ECHO "previous_response_id"), json,
                          FIELD_BOOKKEEPING);
}

/* --- GET, DELETE ------------------------------------------------------------------------------------------------ */

static enum stage_verdict answer(struct request *r, str json)
{
    r->rec.is_local = true;
    request_answer(r, 200, STR("application/json"), json, NULL, 0);
    return STAGE_DONE;
}

static enum stage_verdict answer_buf(struct request *r, struct buf *b)
{
    str json = b->failed ? STR_NULL : arena_str(r->arena, buf_str(b));
    buf_release(b);
    return str_is_null(json) ? no_memory(r) : answer(r, json);
}

static enum stage_verdict answer_deleted(struct request *r, str id)
{
    struct buf b;
    struct json_write w;
    buf_init(&b, 0);
    json_write_init(&w, &b);
    json_write_object(&w);
    json_write_member(&w, STR("id"), id);
    json_write_member(&w, STR("object"), STR("response"));
    json_write_key(&w, STR("deleted"));
    json_write_bool(&w, true);
    json_write_object_end(&w);
    return answer_buf(r, &b);
}

struct page { /* what a list of items is asked for */
    uint64_t limit;
    bool ascending;
    str after; /* an id; null: from the beginning */
};

/* False: the request is over. */
static bool read_page(struct request *r, struct page *page)
{
    str query = r->ex->head->query;
    str limit = query.len ? url_query_get(query, STR("limit"), r->arena) : STR_NULL;
    str order = query.len ? url_query_get(query, STR("order"), r->arena) : STR_NULL;
    *page = (struct page){.limit = 20};
    page->after = query.len ? url_query_get(query, STR("after"), r->arena) : STR_NULL;
    page->ascending = str_eq(order, STR("asc"));
    if (limit.len && (!str_to_u64(limit, &page->limit) || page->limit < 1 || page->limit > 100)) {
        stage_refuse(r, ERR_FIELD_INVALID, STR("limit"), "limit must be a number from 1 to 100.");
        return false;
    }
    return true;
}

/* Ids of a page's ends: {"first_id":…,"last_id":…,"has_more":…}. */
static void write_ends(struct json_write *w, str first, str last, bool more)
{
    json_write_key(w, STR("first_id"));
    json_write_raw(w, first.len ? first : STR("null"));
    json_write_key(w, STR("last_id"));
    json_write_raw(w, last.len ? last : STR("null"));
    json_write_key(w, STR("has_more"));
    json_write_bool(w, more);
}

static void write_page(struct json_write *w, const struct json_doc *doc, const uint32_t *items,
                       unsigned count, const struct page *page)
{
    str first = STR_NULL, last = STR_NULL;
    uint64_t written = 0;
    bool begun = !page->after.len, more = false;
    json_write_member(w, STR("object"), STR("list"));
    json_write_key(w, STR("data"));
    json_write_array(w);
    for (unsigned i = 0; i < count; i++) {
        uint32_t item = items[page->ascending ? i : count - 1 - i];
        uint32_t id = json_member(doc, item, STR("id"));
        if (!begun) {
            begun = json_is(doc, id, JSON_STRING) && json_string_eq(doc, id, page->after);
            continue;
        }
        if (written == page->limit) {
            more = true;
            break;
        }
        json_write_raw(w, json_raw(doc, item));
        last = json_raw(doc, id);
        first = written++ ? first : last;
    }
    json_write_array_end(w);
    write_ends(w, first, last, more);
}

static enum stage_verdict answer_items(struct request *r, str items)
{
    str pieces[] = {STR("["), items, STR("]")};
    str list = arena_concat(r->arena, pieces, ARRAY_LEN(pieces));
    struct json_doc doc;
    struct page page;
    if (!read_page(r, &page))
        return STAGE_DONE;
    if (str_is_null(list) || json_parse(&doc, r->arena, list, &shallow))
        return no_memory(r);
    unsigned count = 0;
    uint32_t *nodes = arena_alloc(r->arena, (json_count(&doc, JSON_ROOT) + 1) * sizeof(*nodes));
    if (!nodes)
        return no_memory(r);
    JSON_EACH (item, &doc, JSON_ROOT)
        nodes[count++] = item;
    struct buf b;
    struct json_write w;
    buf_init(&b, 0);
    json_write_init(&w, &b);
    json_write_object(&w);
    write_page(&w, &doc, nodes, count, &page);
    json_write_object_end(&w);
    return answer_buf(r, &b);
}

/* Only answers that were made in the background, which there are none of here, come as a stream again. */
static bool wants_stream(struct request *r)
{
    str query = r->ex->head->query;
    return query.len && str_eq(url_query_get(query, STR("stream"), r->arena), STR("true"));
}

static enum stage_verdict answer_get(struct request *r, str scope, str id, str below)
{
    struct stored_response kept;
    str items;
    enum response_found found;
    bool list = str_eq(below, STR("input_items"));
    if (list)
        found = response_store_items(store_of(r), now_ms(r), scope, id, false, r->arena, &items);
    else
        found = response_store_get(store_of(r), now_ms(r), scope, id, r->arena, &kept);
    if (found != RESPONSE_FOUND)
        return found == RESPONSE_NOT_FOUND ? STAGE_NEXT : no_memory(r);
    if (list)
        return answer_items(r, items);
    if (wants_stream(r))
        return stage_refuse(r, ERR_FIELD_INVALID, STR("stream"),
                            "Only responses made in the background can be streamed again.");
    return answer(r, kept.response);
}

enum stage_verdict responses_answer_kept(struct request *r)
{
    if (r->kind != ENDPOINT_RESPONSES_STORED || !store_of(r) || r->rest.len < 2)
        return STAGE_NEXT;
    str below = str_from(r->rest, 1), id = str_split(&below, '/'), scope = scope_of(r);
    struct stored_response kept;
    enum method method = r->ex->head->method;
    if (str_is_null(scope))
        return no_memory(r);
    if (method == METHOD_GET && (!below.len || str_eq(below, STR("input_items"))))
        return answer_get(r, scope, id, below);
    if (method == METHOD_DELETE && !below.len)
        return response_store_delete(store_of(r), now_ms(r), scope, id) ? answer_deleted(r, id)
                                                                        : STAGE_NEXT;
    if (method == METHOD_POST && str_eq(below, STR("cancel")) &&
        response_store_get(store_of(r), now_ms(r), scope, id, r->arena, &kept) == RESPONSE_FOUND)
        return stage_refuse(r, ERR_FIELD_INVALID, STR_NULL,
                            "Cannot cancel a response that was not made in the background.");
    return STAGE_NEXT;
}
