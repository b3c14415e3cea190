/*
 * The pass between reading and writing (chat.h).  In steps, each a function over the whole chat:
 *
 *   ids of calls ─▶ blanks go, neighbours merge ─▶ results to their calls ─▶ ids made unique
 *                ─▶ blanks go, neighbours merge ─▶ tools from the history
 *
 * Clients decide how long all of it is, so nothing here looks for one thing by walking all others: what
 * is matched by name or id is sorted first.
 */
#include "llm/chat.h"

#include <stdlib.h>

#include "base/digest.h"

struct pass {
    struct chat *c;
    struct name_list **notes;
    bool no_memory;
};

static void note(struct pass *p, str text)
{
    struct name_list **end = p->notes; /* a few: there are few things to say */
    for (; *end; end = &(*end)->next)
        if (str_eq((*end)->name, text))
            return;
    *end = arena_zalloc(p->c->arena, sizeof(**end));
    if (*end)
        (*end)->name = text;
    else
        p->no_memory = true;
}

static bool is_call(const struct block *b)
{
    return b->kind == BLOCK_CALL;
}

static bool is_result(const struct block *b)
{
    return b->kind == BLOCK_RESULT;
}

/* --- Things found by their texts ------------------------------------------------------------------ */

/* Keys are sorted by text, then by number; those of one text are a group, and its first knows more. */
struct key {
    str text;
    unsigned number; /* of what it belongs to, in the order of the conversation */
    unsigned size;   /* of the group, at its first */
    unsigned used;   /* of the group, at its first: for who takes one after the other */
};

static int key_cmp(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    int by_text = str_cmp(a->text, b->text);
    return by_text ? by_text : (a->number > b->number) - (a->number < b->number);
}

static void keys_sort(struct key *keys, unsigned n)
{
    if (n)
        qsort(keys, n, sizeof(*keys), key_cmp);
    for (unsigned i = 0, first = 0; i < n; i++) {
        if (!str_eq(keys[i].text, keys[first].text))
            first = i;
        keys[i].size = 0;
        keys[first].size = i - first + 1;
    }
}

/* The first of the group, or NULL. */
static struct key *keys_find(struct key *keys, unsigned n, str text)
{
    unsigned low = 0, high = n;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (str_cmp(keys[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && str_eq(keys[low].text, text) ? &keys[low] : NULL;
}

/* --- Ids ----------------------------------------------------------------------------------------- */

/* The same for the same place of the same conversation: providers cache by prefix. */
static str made_id(struct pass *p, unsigned turn, unsigned call, str name)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    str seed = arena_printf(p->c->arena, "%u.%u.", turn, call);
    str pieces[] = {seed, name};
    str all = arena_concat(p->c->arena, pieces, ARRAY_LEN(pieces));
    if (str_is_null(seed) || str_is_null(all))
        return STR_NULL;
    digest_sha256(all, digest);
    digest_hex(digest, hex);
    return arena_printf(p->c->arena, "call_%.24s", hex);
}

static void give_ids(struct pass *p)
{
    unsigned turn = 0;
    for (struct turn *t = p->c->turns; t; t = t->next, turn++) {
        unsigned call = 0;
        for (struct block *b = t->blocks; b; b = b->next) {
            if (!is_call(b))
                continue;
            if (!b->call.id.len)
                b->call.id = made_id(p, turn, call, b->call.name);
            p->no_memory = p->no_memory || str_is_null(b->call.id);
            call++;
        }
    }
}

/* --- Blanks and neighbours ----------------------------------------------------------------------- */

static void append(struct turn *t, struct block *b)
{
    b->next = NULL;
    if (t->last)
        t->last->next = b;
    else
        t->blocks = b;
    t->last = b;
}

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
        if (!is_blank(b)) {
            append(t, b);
        } else if (b->cached && t->last) { /* the mark stood at this place */
            t->last->cached = true;
            t->last->cache_ttl_s = b->cache_ttl_s;
        }
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

/* System turns stay apart: writers place each by itself. */
static bool merges(const struct turn *a, const struct turn *b)
{
    return b && a->role == b->role && a->role != ROLE_SYSTEM;
}

static void merge_neighbours(struct chat *c)
{
    for (struct turn *t = c->turns; t; t = t->next) {
        while (merges(t, t->next)) {
            struct turn *n = t->next;
            t->last->next = n->blocks;
            t->last = n->last;
            t->next = n->next;
            t->name = t->name.len ? t->name : n->name;
            if (c->turns_last == n)
                c->turns_last = t;
        }
    }
}

static void clean(struct chat *c)
{
    drop_empty(&c->turns, &c->turns_last);
    merge_neighbours(c);
}

/* --- Results ------------------------------------------------------------------------------------- */

/* The results between a turn's calls and the assistant's next turn, and whose each is.  One that comes
 * even later is no result of theirs any more: what was said before stays as it was said. */
enum fate { ORPHAN, TAKEN, SUPERSEDED };

struct found { /* a result */
    struct block *block;
    enum fate fate;
};

struct window {
    struct block **calls;
    struct found **given; /* given[i]: the result of calls[i], or NULL */
    struct found *results;
    unsigned call_count, result_count;
    struct key *keys; /* of the calls */
};

static bool is_theirs(const struct turn *t)
{
    return t && t->role != ROLE_ASSISTANT;
}

static unsigned count_blocks(const struct turn *t, bool (*counts)(const struct block *))
{
    unsigned n = 0;
    for (const struct block *b = t->blocks; b; b = b->next)
        n += counts(b);
    return n;
}

static void *pointers(struct pass *p, unsigned n, size_t size)
{
    void *all = arena_zalloc(p->c->arena, (n + 1) * size);
    p->no_memory = p->no_memory || !all;
    return all;
}

/* calls_in: NULL, or the assistant's turn; from: what comes after it. */
static bool window_init(struct pass *p, struct window *w, struct turn *calls_in, struct turn *from)
{
    *w = (struct window){.call_count = calls_in ? count_blocks(calls_in, is_call) : 0};
    for (struct turn *t = from; is_theirs(t); t = t->next)
        w->result_count += count_blocks(t, is_result);
    w->calls = pointers(p, w->call_count, sizeof(*w->calls));
    w->given = pointers(p, w->call_count, sizeof(*w->given));
    w->results = pointers(p, w->result_count, sizeof(*w->results));
    w->keys = pointers(p, w->call_count, sizeof(*w->keys));
    if (p->no_memory)
        return false;
    unsigned n = 0;
    for (struct block *b = calls_in ? calls_in->blocks : NULL; b; b = b->next)
        if (is_call(b))
            w->calls[n++] = b;
    n = 0;
    for (struct turn *t = from; is_theirs(t); t = t->next)
        for (struct block *b = t->blocks; b; b = b->next)
            if (is_result(b))
                w->results[n++].block = b;
    return true;
}

static void give(struct window *w, unsigned call, struct found *result)
{
    if (w->given[call])
        w->given[call]->fate = SUPERSEDED;
    w->given[call] = result;
    result->fate = TAKEN;
}

/* The last of several with the id of one call; calls of one id have one after the other. */
static void match_ids(struct window *w)
{
    for (unsigned i = 0; i < w->call_count; i++)
        w->keys[i] = (struct key){.text = w->calls[i]->call.id, .number = i};
    keys_sort(w->keys, w->call_count);
    for (unsigned i = 0; i < w->result_count; i++) {
        str id = w->results[i].block->result.call_id;
        struct key *k = id.len ? keys_find(w->keys, w->call_count, id) : NULL;
        if (!k)
            continue;
        k->used += k->used < k->size;
        give(w, k[k->used - 1].number, &w->results[i]);
    }
}

/* Results without an id (OpenAI's old functions, Gemini) by what was called. */
static void match_names(struct window *w)
{
    for (unsigned i = 0; i < w->call_count; i++)
        w->keys[i] = (struct key){.text = w->calls[i]->call.name, .number = i};
    keys_sort(w->keys, w->call_count);
    for (unsigned i = 0; i < w->result_count; i++) {
        const struct tool_result *r = &w->results[i].block->result;
        bool named = !r->call_id.len && r->name.len;
        struct key *k = named ? keys_find(w->keys, w->call_count, r->name) : NULL;
        while (k && k->used < k->size && w->given[k[k->used].number])
            k->used++;
        if (k && k->used < k->size)
            give(w, k[k->used].number, &w->results[i]);
    }
}

/* The rest of those without an id, one after the other. */
static void match_places(struct window *w)
{
    unsigned call = 0;
    for (unsigned i = 0; i < w->result_count; i++) {
        struct found *r = &w->results[i];
        if (r->block->result.call_id.len || r->fate != ORPHAN)
            continue;
        while (call < w->call_count && w->given[call])
            call++;
        if (call == w->call_count)
            return;
        give(w, call, r);
    }
}

/* A result that nobody called for: what it says is kept as the user's words. */
static void give_as_text(struct pass *p, struct turn *t, struct block *result)
{
    for (struct block *b = result->result.content, *next; b; b = next) {
        next = b->next;
        append(t, b);
    }
    if (result->cached && t->last) {
        t->last->cached = true;
        t->last->cache_ttl_s = result->cache_ttl_s;
    }
    note(p, STR("tool result (without a call, as text)"));
}

/* next: the turn's first result among those of the window. */
static void take_results_out(struct pass *p, struct turn *t, const struct found **next)
{
    struct block *all = t->blocks;
    t->blocks = t->last = NULL;
    while (all) {
        struct block *b = all;
        all = all->next;
        if (!is_result(b)) {
            append(t, b);
            continue;
        }
        enum fate fate = (*next)++->fate;
        if (fate == ORPHAN)
            give_as_text(p, t, b);
        else if (fate == SUPERSEDED)
            note(p, STR("tool result (several for a call, the last counts)"));
    }
}

static struct block *missing_result(struct pass *p)
{
    struct block *b = chat_new_block(p->c, BLOCK_RESULT);
    struct block *text = chat_new_block(p->c, BLOCK_TEXT);
    if (!b || !text) {
        p->no_memory = true;
        return NULL;
    }
    text->text = RAW("no result");
    b->result = (struct tool_result){.content = text, .is_error = true};
    note(p, STR("tool result (none for a call)"));
    return b;
}

static struct turn *insert_user(struct pass *p, struct turn *after)
{
    struct turn *t = arena_zalloc(p->c->arena, sizeof(*t));
    if (!t) {
        p->no_memory = true;
        return NULL;
    }
    t->role = ROLE_USER;
    t->path = after->next->path;
    t->next = after->next;
    after->next = t;
    return t;
}

/* In the calls' order, in a turn of their own right behind it; merging joins it with the user's next. */
static void put_results(struct pass *p, struct window *w, struct turn *calls_in)
{
    struct turn *to = w->call_count ? insert_user(p, calls_in) : NULL;
    for (unsigned i = 0; to && i < w->call_count; i++) {
        struct block *result = w->given[i] ? w->given[i]->block : missing_result(p);
        if (!result)
            return;
        result->result.call_id = w->calls[i]->call.id;
        result->result.name = w->calls[i]->call.name;
        append(to, result);
    }
}

static void attach_window(struct pass *p, struct turn *calls_in, struct turn *from)
{
    struct window w;
    if (!from || !window_init(p, &w, calls_in, from)) /* calls in the last turn: they are pending */
        return;
    match_ids(&w);
    match_names(&w);
    match_places(&w);
    const struct found *next = w.results;
    for (struct turn *t = from; is_theirs(t); t = t->next)
        take_results_out(p, t, &next);
    if (calls_in)
        put_results(p, &w, calls_in);
}

static void attach_results(struct pass *p)
{
    if (is_theirs(p->c->turns))
        attach_window(p, NULL, p->c->turns);
    for (struct turn *t = p->c->turns; t && !p->no_memory; t = t->next)
        if (t->role == ROLE_ASSISTANT)
            attach_window(p, t, t->next);
}

/* --- Ids that came twice -------------------------------------------------------------------------- */

struct pair { /* a call and its result, if any */
    struct block *call, *result;
};

static struct block *next_of(struct block *b, bool (*wanted)(const struct block *))
{
    while (b && !wanted(b))
        b = b->next;
    return b;
}

/* Results stand behind their calls' turn, in order, by now. */
static unsigned collect_pairs(struct turn *t, struct pair *pairs, struct key *keys)
{
    unsigned n = 0;
    for (; t; t = t->next) {
        struct block *call = next_of(t->blocks, is_call);
        struct block *result = call && t->next ? next_of(t->next->blocks, is_result) : NULL;
        for (; call; call = next_of(call->next, is_call), n++) {
            pairs[n] = (struct pair){call, result};
            keys[n] = (struct key){.text = call->call.id, .number = n};
            result = result ? next_of(result->next, is_result) : NULL;
        }
    }
    return n;
}

/* Models that count their calls (functions.f:0) begin anew in each turn; most targets refuse that. */
static void make_ids_unique(struct pass *p)
{
    unsigned n = 0;
    for (const struct turn *t = p->c->turns; t; t = t->next)
        n += count_blocks(t, is_call);
    struct pair *pairs = pointers(p, n, sizeof(*pairs));
    struct key *keys = pointers(p, n, sizeof(*keys));
    if (p->no_memory)
        return;
    collect_pairs(p->c->turns, pairs, keys);
    keys_sort(keys, n);
    for (unsigned i = 0; i < n; i++) {
        const struct pair *pair = &pairs[keys[i].number];
        if (keys[i].size)
            continue; /* the first of its group */
        str id = made_id(p, keys[i].number, 0, pair->call->call.id);
        p->no_memory = p->no_memory || str_is_null(id);
        pair->call->call.id = id;
        if (pair->result)
            pair->result->result.call_id = id;
    }
}

/* --- Tools --------------------------------------------------------------------------------------- */

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

/* The names of tools, then those of calls: a group that begins by a call's name is not declared. */
static void declare_tools(struct pass *p)
{
    unsigned tools = 0, all, n = 0;
    for (const struct tool *t = p->c->tools; t; t = t->next)
        tools++;
    all = tools;
    for (const struct turn *t = p->c->turns; t; t = t->next)
        all += count_blocks(t, is_call);
    struct key *keys = pointers(p, all, sizeof(*keys));
    str *missing = pointers(p, all, sizeof(*missing));
    if (p->no_memory || all == tools)
        return;
    for (const struct tool *t = p->c->tools; t; t = t->next, n++)
        keys[n] = (struct key){.text = t->name, .number = n};
    for (const struct turn *t = p->c->turns; t; t = t->next)
        for (struct block *b = next_of(t->blocks, is_call); b; b = next_of(b->next, is_call), n++)
            keys[n] = (struct key){.text = b->call.name, .number = n};
    keys_sort(keys, all);
    for (unsigned i = 0; i < all; i++)
        if (keys[i].size && keys[i].number >= tools)
            missing[keys[i].number] = keys[i].text;
    for (unsigned i = tools; i < all && !p->no_memory; i++)
        if (!str_is_null(missing[i]))
            declare(p, missing[i]);
}

/* --- All of it ----------------------------------------------------------------------------------- */

static bool is_said(const struct chat *c)
{
    for (const struct turn *t = c->turns; t; t = t->next)
        if (t->role != ROLE_SYSTEM)
            return true;
    return false;
}

enum err chat_normalize(struct chat *c, struct name_list **notes, struct chat_fault *fault)
{
    static void (*const steps[])(struct pass *) = {attach_results, make_ids_unique};
    struct pass p = {.c = c, .notes = notes};
    give_ids(&p);
    drop_empty(&c->system, &c->system_last);
    clean(c);
    for (unsigned i = 0; i < ARRAY_LEN(steps) && !p.no_memory; i++)
        steps[i](&p);
    clean(c);
    if (!p.no_memory)
        declare_tools(&p);
    if (p.no_memory) {
        *fault = (struct chat_fault){.err = ERR_NO_MEMORY};
        return ERR_NO_MEMORY;
    }
    if (is_said(c))
        return ERR_NONE;
    *fault = (struct chat_fault){ERR_FIELD_INVALID, STR("messages"),
                                 STR("must hold something that was said by a user")};
    return ERR_FIELD_INVALID;
}
