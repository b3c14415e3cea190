/*
 * The pass between reading and writing (chat.h).  In steps, each a function over the whole chat:
 *
 *   ids of calls ─▶ results to their calls ─▶ blanks go ─▶ neighbours merge ─▶ tools from the history
 */
#include "llm/chat.h"

#include "base/digest.h"
#include "wire/json_write.h"

struct pass {
    struct chat *c;
    struct name_list **notes;
    bool no_memory;
};

static void note(struct pass *p, str text)
{
    struct name_list *n = arena_zalloc(p->c->arena, sizeof(*n)), **end = p->notes;
    if (!n || str_is_null(text)) {
        p->no_memory = true;
        return;
    }
    n->name = text;
    for (; *end; end = &(*end)->next)
        if (str_eq((*end)->name, text))
            return;
    *end = n;
}

/* --- Ids ----------------------------------------------------------------------------------------- */

/* The same for the same place of the same conversation: providers cache by prefix. */
static str made_id(struct pass *p, unsigned turn, unsigned call, str name)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    str seed = arena_printf(p->c->arena, "%u.%u.%.*s", turn, call, STR_ARG(name));
    if (str_is_null(seed))
        return STR_NULL;
    digest_sha256(seed, digest);
    digest_hex(digest, hex);
    return arena_printf(p->c->arena, "call_%.24s", hex);
}

static void give_ids(struct pass *p)
{
    unsigned turn = 0;
    for (struct turn *t = p->c->turns; t; t = t->next, turn++) {
        unsigned call = 0;
        for (struct block *b = t->blocks; b; b = b->next) {
            if (b->kind != BLOCK_CALL)
                continue;
            if (!b->call.id.len)
                b->call.id = made_id(p, turn, call, b->call.name);
            p->no_memory = p->no_memory || str_is_null(b->call.id);
            call++;
        }
    }
}

/* --- Results ------------------------------------------------------------------------------------- */

static void append(struct turn *t, struct block *b)
{
    b->next = NULL;
    if (t->last)
        t->last->next = b;
    else
        t->blocks = b;
    t->last = b;
}

/* Takes blocks of a kind out of a turn: those are returned, in order. */
static struct block *take_out(struct turn *t, enum block_kind kind)
{
    struct block *all = t->blocks, *taken = NULL, **end = &taken;
    t->blocks = t->last = NULL;
    while (all) {
        struct block *b = all;
        all = all->next;
        if (b->kind != kind) {
            append(t, b);
            continue;
        }
        b->next = NULL;
        *end = b;
        end = &b->next;
    }
    return taken;
}

static bool has_calls(const struct turn *t)
{
    for (const struct block *b = t->blocks; b; b = b->next)
        if (b->kind == BLOCK_CALL)
            return true;
    return false;
}

/* The results between a turn and the assistant's next one, as one list. */
static struct block *results_after(struct turn *t)
{
    struct block *all = NULL, **end = &all;
    for (struct turn *u = t->next; u && u->role != ROLE_ASSISTANT; u = u->next) {
        *end = take_out(u, BLOCK_RESULT);
        while (*end)
            end = &(*end)->next;
    }
    return all;
}

/* The last result with this id; without ids, the first that has none.  Taken off the list, and so are
 * earlier ones with the id. */
static struct block *take_result(struct block **list, str id)
{
    struct block *found = NULL;
    for (struct block **at = list; *at;) {
        if (str_eq((*at)->result.call_id, id)) {
            found = *at;
            *at = found->next;
        } else {
            at = &(*at)->next;
        }
    }
    if (found)
        return found;
    for (struct block **at = list; *at; at = &(*at)->next) {
        if (!(*at)->result.call_id.len) {
            found = *at;
            *at = found->next;
            return found;
        }
    }
    return NULL;
}

static struct block *missing_result(struct pass *p, const struct tool_call *call)
{
    struct block *b = chat_new_block(p->c, BLOCK_RESULT);
    struct block *text = chat_new_block(p->c, BLOCK_TEXT);
    if (!b || !text) {
        p->no_memory = true;
        return NULL;
    }
    text->text = RAW("no result");
    b->result = (struct tool_result){.call_id = call->id, .content = text, .is_error = true};
    note(p, STR("tool result (none for a call)"));
    return b;
}

/* A result that nobody called for: what it says is kept as the user's words. */
static void give_as_text(struct pass *p, struct turn *t, struct block *result)
{
    bool said = false;
    for (struct block *b = result->result.content, *next; b; b = next) {
        next = b->next;
        append(t, b);
        said = true;
    }
    if (said)
        note(p, STR("tool result (without a call, as text)"));
}

static struct turn *insert_user(struct pass *p, struct turn *after)
{
    struct turn *t = arena_zalloc(p->c->arena, sizeof(*t));
    if (!t) {
        p->no_memory = true;
        return NULL;
    }
    t->role = ROLE_USER;
    t->path = after->path;
    t->next = after->next;
    after->next = t;
    if (p->c->turns_last == after)
        p->c->turns_last = t;
    return t;
}

/* In the calls' order, in a turn of their own right behind it; merging joins it with the user's next. */
static void answer_calls(struct pass *p, struct turn *t)
{
    struct block *left = results_after(t);
    bool last = true; /* nothing follows: the client wants the model to go on, or it is a prefill */
    for (struct turn *u = t->next; u; u = u->next)
        last = false;
    struct turn *to = last && !left ? NULL : insert_user(p, t);
    if (!to)
        return;
    for (struct block *b = t->blocks; b; b = b->next) {
        if (b->kind != BLOCK_CALL)
            continue;
        struct block *result = take_result(&left, b->call.id);
        if (!result)
            result = missing_result(p, &b->call);
        if (!result)
            return;
        result->result.call_id = b->call.id;
        result->result.name = b->call.name;
        append(to, result);
    }
    while (left) {
        struct block *result = left;
        left = left->next;
        give_as_text(p, to, result);
    }
}

static void attach_results(struct pass *p)
{
    for (struct turn *t = p->c->turns; t; t = t->next)
        if (t->role == ROLE_ASSISTANT && has_calls(t))
            answer_calls(p, t);
    for (struct turn *t = p->c->turns; t; t = t->next) {
        bool answers = false; /* turns made above hold results only, and those are right */
        for (struct block *b = t->blocks; b; b = b->next)
            answers = answers || (b->kind == BLOCK_RESULT && b->result.name.len);
        if (answers)
            continue;
        for (struct block *b = take_out(t, BLOCK_RESULT), *next; b; b = next) {
            next = b->next;
            give_as_text(p, t, b);
        }
    }
}

/* --- Blanks and neighbours ----------------------------------------------------------------------- */

static bool is_blank(const struct block *b)
{
    return (b->kind == BLOCK_TEXT || b->kind == BLOCK_REFUSAL) && raw_is_blank(b->text);
}

static void drop_blanks(struct turn *t)
{
    struct block *all = t->blocks;
    t->blocks = t->last = NULL;
    while (all) {
        struct block *b = all;
        all = all->next;
        if (is_blank(b)) {
            if (b->cached && t->last) { /* the mark stood at this place */
                t->last->cached = true;
                t->last->cache_ttl_s = b->cache_ttl_s;
            }
            continue;
        }
        append(t, b);
    }
}

static void drop_empty(struct turn **list, struct turn **last)
{
    *last = NULL;
    for (struct turn **at = list; *at;) {
        drop_blanks(*at);
        if ((*at)->blocks) {
            *last = *at;
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
}

static bool merges(const struct turn *a, const struct turn *b)
{
    return b && a->role == b->role && a->role != ROLE_SYSTEM && !a->name.len && !b->name.len;
}

static void merge_neighbours(struct chat *c)
{
    for (struct turn *t = c->turns; t; t = t->next) {
        while (merges(t, t->next)) {
            struct turn *n = t->next;
            t->last->next = n->blocks;
            t->last = n->last;
            t->next = n->next;
            if (c->turns_last == n)
                c->turns_last = t;
        }
    }
}

/* --- Tools --------------------------------------------------------------------------------------- */

static bool is_declared(const struct chat *c, str name)
{
    for (const struct tool *t = c->tools; t; t = t->next)
        if (str_eq(t->name, name))
            return true;
    return false;
}

static void declare(struct pass *p, str name)
{
    struct tool *t = chat_add_tool(p->c);
    if (!t) {
        p->no_memory = true;
        return;
    }
    t->name = name;
    t->schema = STR("{\"type\":\"object\",\"properties\":{}}");
    t->from_history = true;
    note(p, STR("tools (declared from history)"));
}

static void declare_tools(struct pass *p)
{
    for (struct turn *t = p->c->turns; t; t = t->next)
        for (struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL && !is_declared(p->c, b->call.name))
                declare(p, b->call.name);
}

enum err chat_normalize(struct chat *c, struct name_list **notes, struct chat_fault *fault)
{
    struct pass p = {.c = c, .notes = notes};
    give_ids(&p);
    if (!p.no_memory)
        attach_results(&p);
    drop_empty(&c->system, &c->system_last);
    drop_empty(&c->turns, &c->turns_last);
    merge_neighbours(c);
    if (!p.no_memory)
        declare_tools(&p);
    if (p.no_memory) {
        *fault = (struct chat_fault){.err = ERR_NO_MEMORY};
        return ERR_NO_MEMORY;
    }
    for (const struct turn *t = c->turns; t; t = t->next)
        if (t->role != ROLE_SYSTEM)
            return ERR_NONE;
    *fault = (struct chat_fault){ERR_FIELD_INVALID, STR("messages"),
                                 STR("must hold something that was said by a user")};
    return ERR_FIELD_INVALID;
}
