/*
 * Conversations are written in words, and so is what they become:
 *
 *   U A S      a turn of the user, the assistant, the system
 *   text       a text block ('.' is a blank one)
 *   !id=name   a call; !=name has no id
 *   ?id=text   a result; ?id/name=text says whose; after the pass an error is ?!id…
 *
 * mapping: §5 tool results, §6 normalisation
 */
#include "llm/chat.h"

#include "base/random.h"
#include "base/buf.h"
#include "support/test.h"

#include <stdio.h>

static struct arena arena;
static struct chat chat;
static struct name_list *notes;
static struct chat_fault fault;

static struct block *add_text(struct turn *t, str text)
{
    struct block *b = turn_add(&chat, t, BLOCK_TEXT);
    b->text.s = str_eq(text, STR(".")) ? STR(" \\n") : text;
    return b;
}

static void add_block(struct turn *t, str word)
{
    bool call = word.ptr[0] == '!', result = word.ptr[0] == '?';
    if (!call && !result) {
        add_text(t, word);
        return;
    }
    str rest = str_from(word, 1), id = str_split(&rest, '=');
    struct block *b = turn_add(&chat, t, call ? BLOCK_CALL : BLOCK_RESULT);
    if (call) {
        b->call = (struct tool_call){.id = id, .name = rest, .arguments = STR("{}")};
        return;
    }
    b->result.call_id = str_split(&id, '/');
    b->result.name = id;
    if (rest.len) {
        b->result.content = chat_new_block(&chat, BLOCK_TEXT);
        b->result.content->text.s = rest;
    }
}

static void read_chat(const char *words)
{
    struct turn *t = NULL;
    str rest = str_from_c(words);
    arena_init(&arena, 0);
    chat_init(&chat, &arena);
    notes = NULL;
    fault = (struct chat_fault){0};
    while (rest.len) {
        str word = str_split(&rest, ' ');
        bool role = word.len == 1 && strchr("UAS", word.ptr[0]);
        if (role)
            t = chat_add_turn(&chat,
                              word.ptr[0] == 'U'   ? ROLE_USER
                              : word.ptr[0] == 'A' ? ROLE_ASSISTANT
                                                   : ROLE_SYSTEM,
                              STR("messages[0]"));
        else
            add_block(t, word);
    }
}

static void tell_block(struct buf *out, const struct block *b)
{
    const struct block *said = b->kind == BLOCK_RESULT ? b->result.content : NULL;
    if (b->kind == BLOCK_TEXT)
        buf_printf(out, " %.*s", STR_ARG(b->text.s));
    if (b->kind == BLOCK_CALL)
        buf_printf(out, " !%.*s=%.*s", STR_ARG(b->call.id), STR_ARG(b->call.name));
    if (b->kind == BLOCK_RESULT)
        buf_printf(out, " ?%s%.*s/%.*s=%.*s", b->result.is_error ? "!" : "",
                   STR_ARG(b->result.call_id), STR_ARG(b->result.name),
                   STR_ARG(said ? said->text.s : STR("")));
}

static void tell(struct buf *out)
{
    const struct turn *last = NULL;
    for (const struct turn *t = chat.turns; t; t = t->next) {
        buf_printf(out, "%s%c", last ? " " : "", "SUA"[t->role]);
        for (const struct block *b = t->blocks; b; b = b->next) {
            tell_block(out, b);
            EXPECT(b->next || t->last == b);
        }
        last = t;
    }
    EXPECT(chat.turns_last == last);
}

static void expect(const char *given, const char *becomes)
{
    struct buf out;
    read_chat(given);
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    buf_init(&out, 0);
    tell(&out);
    EXPECT_STR(buf_str(&out), becomes);
    buf_release(&out);
}

static void done(void)
{
    arena_release(&arena);
}

static void expect_done(const char *given, const char *becomes)
{
    expect(given, becomes);
    done();
}

static bool noted(const char *what)
{
    for (const struct name_list *n = notes; n; n = n->next)
        if (str_find(n->name, str_from_c(what)) >= 0)
            return true;
    return false;
}

TEST(a_plain_conversation_stays_as_it_is)
{
    expect("U hi A hello U bye", "U hi A hello U bye");
    EXPECT(!notes && !chat.tools);
    done();
}

TEST(neighbours_of_one_role_become_one)
{
    expect_done("U a U b A c A d U e", "U a b A c d U e");
    expect_done("U a S be_kind S be_brief U b", "U a S be_kind S be_brief U b");
}

TEST(names_of_neighbours_survive_the_merge)
{
    read_chat("U a U b");
    chat.turns->next->name = STR("bob");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    EXPECT(!chat.turns->next);
    EXPECT_STR(chat.turns->name, "bob");
    done();
}

TEST(blank_texts_and_empty_turns_go)
{
    expect_done("U a . A . U b", "U a b");
    expect_done("U . A hello U .", "A hello");
}

TEST(a_cache_mark_on_a_blank_stays_at_its_place)
{
    read_chat("U a .");
    chat.turns->last->cached = true;
    chat.turns->last->cache_ttl_s = 3600;
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    EXPECT(chat.turns->blocks->cached && !chat.turns->blocks->next);
    EXPECT_EQ(chat.turns->blocks->cache_ttl_s, 3600);
    done();
}

TEST(nothing_said_is_refused)
{
    static const char *const empty[] = {"", "U .", "S be_kind", "U . A . S x"};
    for (unsigned i = 0; i < ARRAY_LEN(empty); i++) {
        read_chat(empty[i]);
        EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_FIELD_INVALID);
        EXPECT_EQ(fault.err, ERR_FIELD_INVALID);
        EXPECT_STR(fault.field, "messages");
        done();
    }
}

TEST(results_are_one_user_turn_in_the_order_of_calls)
{
    expect_done("U go A !1=f !2=g U ?2=two U ?1=one U thanks",
                "U go A !1=f !2=g U ?1/f=one ?2/g=two thanks");
    expect_done("U go A !1=f U ?1=one A ok", "U go A !1=f U ?1/f=one A ok");
    expect_done("U go A !1=f U first ?1=one then", "U go A !1=f U ?1/f=one first then");
}

TEST(results_pass_system_turns_between)
{
    expect_done("U go A !1=f S hurry U ?1=one", "U go A !1=f U ?1/f=one S hurry");
}

TEST(calls_of_assistant_turns_in_a_row_are_answered_together)
{
    expect_done("U go A !1=f A !2=g U ?1=one U ?2=two", "U go A !1=f !2=g U ?1/f=one ?2/g=two");
    expect_done("U go A !1=f U . A !2=g U ?1=one U ?2=two", "U go A !1=f !2=g U ?1/f=one ?2/g=two");
}

TEST(without_ids_results_go_by_name_and_then_by_place)
{
    expect_done("U go A !1=f !2=g U ?=one ?=two", "U go A !1=f !2=g U ?1/f=one ?2/g=two");
    expect_done("U go A !1=f !2=g U ?/g=two ?/f=one", "U go A !1=f !2=g U ?1/f=one ?2/g=two");
    expect_done("U go A !1=f !2=f !3=g U ?/g=three ?/f=one ?/f=two",
                "U go A !1=f !2=f !3=g U ?1/f=one ?2/f=two ?3/g=three");
    expect_done("U go A !1=f !2=g U ?/other=one ?2=two", "U go A !1=f !2=g U ?1/f=one ?2/g=two");
}

TEST(of_several_results_the_last_counts)
{
    expect("U go A !1=f U ?1=old ?1=new", "U go A !1=f U ?1/f=new");
    EXPECT(noted("several"));
    done();
}

TEST(a_missing_result_is_an_error_but_not_at_the_end)
{
    expect("U go A !1=f !2=g U ?2=two", "U go A !1=f !2=g U ?!1/f=no result ?2/g=two");
    EXPECT(noted("none for a call"));
    done();
    expect_done("U go A !1=f U forget_it", "U go A !1=f U ?!1/f=no result forget_it");
    expect("U go A wait !1=f", "U go A wait !1=f");
    EXPECT(!noted("result"));
    done();
}

TEST(a_result_without_a_call_is_what_the_user_says)
{
    expect("U ?9=lost A hm U go", "U lost A hm U go");
    EXPECT(noted("without a call"));
    done();
    expect_done("U go A !1=f U a ?9=lost b ?1=one", "U go A !1=f U ?1/f=one a lost b");
    expect_done("U go A !1=f U ?9=lost", "U go A !1=f U ?!1/f=no result lost");
    expect_done("U go A said U ?9=", "U go A said"); /* and nothing was in it */
    expect_done("U go A !1=f U ?1=one A so U ?1=again", "U go A !1=f U ?1/f=one A so U again");
    expect_done("U ?9/f=lost A hm", "U lost A hm"); /* though it has a name */
}

TEST(a_result_behind_the_next_answer_is_late)
{
    expect_done("U go A !1=f U later A what U ?1=one",
                "U go A !1=f U ?!1/f=no result later A what U one");
}

TEST(an_empty_result_stays)
{
    expect_done("U go A !1=f U ?1=", "U go A !1=f U ?1/f=");
}

static str first_id(void)
{
    for (const struct turn *t = chat.turns; t; t = t->next)
        for (const struct block *b = t->blocks; b; b = b->next)
            if (b->kind == BLOCK_CALL)
                return b->call.id;
    return STR_NULL;
}

TEST(ids_are_made_the_same_for_the_same_place)
{
    char first[64], again[64], other[64];
    read_chat("U go A !=f U ?=one");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    EXPECT_EQ(first_id().len, 5 + 24);
    EXPECT(str_starts(first_id(), STR("call_")));
    EXPECT_STR(chat.turns_last->blocks->result.call_id, first_id());
    snprintf(first, sizeof(first), "%.*s", STR_ARG(first_id()));
    done();
    read_chat("U go A !=f U ?=one A done U more");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    snprintf(again, sizeof(again), "%.*s", STR_ARG(first_id()));
    done();
    read_chat("U go A !=g U ?=one");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    snprintf(other, sizeof(other), "%.*s", STR_ARG(first_id()));
    done();
    EXPECT_STR(again, first);
    EXPECT(strcmp(first, other) != 0);
}

TEST(ids_that_come_again_are_made_unique)
{
    read_chat("U go A !0=f U ?0=one A !0=f !0=g U ?0=two ?0=three");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    const struct turn *a = chat.turns->next, *b = a->next->next;
    str ids[] = {a->blocks->call.id, b->blocks->call.id, b->blocks->next->call.id};
    EXPECT_STR(ids[0], "0");
    EXPECT(!str_eq(ids[0], ids[1]) && !str_eq(ids[1], ids[2]) && !str_eq(ids[0], ids[2]));
    EXPECT_STR(a->next->blocks->result.call_id, ids[0]);
    EXPECT_STR(b->next->blocks->result.call_id, ids[1]);
    EXPECT_STR(b->next->blocks->result.content->text.s, "two");
    EXPECT_STR(b->next->blocks->next->result.call_id, ids[2]);
    EXPECT_STR(b->next->blocks->next->result.content->text.s, "three");
    done();
}

/* mapping: §8 history with calls and no tools */
TEST(tools_of_the_history_are_declared_once_in_their_order)
{
    read_chat("U go A !1=f !2=g !3=f U ?1= ?2= ?3= A !4=h U ?4=");
    chat_add_tool(&chat)->name = STR("g");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    const struct tool *t = chat.tools;
    EXPECT_STR(t->name, "g");
    EXPECT(!t->from_history && str_is_null(t->schema));
    EXPECT_STR(t->next->name, "f");
    EXPECT(t->next->from_history);
    EXPECT_STR(t->next->schema, "{\"type\":\"object\",\"properties\":{}}");
    EXPECT_STR(t->next->next->name, "h");
    EXPECT(!t->next->next->next && chat.tools_last == t->next->next);
    EXPECT(noted("declared from history"));
    done();
}

TEST(declared_tools_are_enough)
{
    read_chat("U go A !1=f U ?1=");
    chat_add_tool(&chat)->name = STR("f");
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    EXPECT(!chat.tools->next && !notes);
    done();
}

TEST(without_memory_it_says_so)
{
    for (size_t extra = 0; extra <= 4 * ARENA_BLOCK; extra += ARENA_BLOCK) {
        read_chat("U go A !=f !=g U ?= U ?9=x A !=h U bye");
        arena.budget = arena.used;
        while (arena_alloc(&arena, 16))
            continue;
        arena.budget = arena.used + extra;
        enum err err = chat_normalize(&chat, &notes, &fault);
        EXPECT(err == ERR_NONE || err == ERR_NO_MEMORY);
        EXPECT_EQ(fault.err, err);
        EXPECT(err || extra);
        done();
    }
}

/* --- Properties ---------------------------------------------------------------------------------- */

/* What every target relies on. */
static void check(void)
{
    for (const struct turn *t = chat.turns; t; t = t->next) {
        EXPECT(t->blocks);
        EXPECT(!t->next || t->role == ROLE_SYSTEM || t->role != t->next->role);
        const struct block *result = t->role == ROLE_ASSISTANT && t->next ? t->next->blocks : NULL;
        for (const struct block *b = t->blocks; b; b = b->next) {
            if (b->kind != BLOCK_CALL)
                continue;
            EXPECT(b->call.id.len);
            if (!t->next)
                continue;
            EXPECT(result && result->kind == BLOCK_RESULT);
            EXPECT_STR(result->result.call_id, b->call.id);
            EXPECT_STR(result->result.name, b->call.name);
            result = result->next;
        }
        bool text = false; /* results stand first, and only behind calls */
        for (const struct block *b = t->blocks; b; b = b->next) {
            EXPECT(b->kind != BLOCK_RESULT || (t->role == ROLE_USER && !text));
            text = text || b->kind != BLOCK_RESULT;
        }
        EXPECT(!result || result->kind != BLOCK_RESULT);
    }
}

TEST(whatever_comes_calls_and_results_pair_and_roles_alternate)
{
    static const char *const roles[] = {"U", "A", "U", "A", "S"};
    static const char *const said[] = {"x", ".", "?1=r", "?2=r", "?=r", "?/f=r", "?/g=r"};
    static const char *const answered[] = {"x", ".", "!1=f", "!2=g", "!=f", "!3=h"};
    for (uint64_t round = 0; round < 5000; round++) {
        uint64_t seed = round;
        struct buf words, once, twice;
        buf_init(&words, 0);
        for (unsigned n = 1 + random_next(&seed) % 9; n; n--) {
            const char *role = roles[random_next(&seed) % ARRAY_LEN(roles)];
            buf_printf(&words, "%s%s", words.len ? " " : "", role);
            for (unsigned k = random_next(&seed) % 4; k; k--)
                buf_printf(&words, " %s",
                           role[0] == 'A'   ? answered[random_next(&seed) % ARRAY_LEN(answered)]
                           : role[0] == 'S' ? "x"
                                            : said[random_next(&seed) % ARRAY_LEN(said)]);
        }
        buf_add_byte(&words, '\0');
        read_chat(words.ptr);
        if (chat_normalize(&chat, &notes, &fault) == ERR_NONE) {
            check();
            buf_init(&once, 0);
            buf_init(&twice, 0);
            tell(&once);
            EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
            tell(&twice);
            EXPECT_STR(buf_str(&twice), buf_str(&once));
            buf_release(&once);
            buf_release(&twice);
        }
        done();
        buf_release(&words);
    }
}

TEST(long_conversations_take_no_longer_than_their_length)
{
    enum { CALLS = 60000 };
    static char names[CALLS][16];
    arena_init(&arena, 0);
    chat_init(&chat, &arena);
    notes = NULL;
    struct turn *a = chat_add_turn(&chat, ROLE_ASSISTANT, STR("messages[0]"));
    for (unsigned i = 0; i < CALLS; i++) {
        struct block *b = turn_add(&chat, a, BLOCK_CALL);
        snprintf(names[i], sizeof(names[i]), "f%u", i * 7919u % CALLS);
        b->call.name = b->call.id = str_from_c(names[i]);
    }
    struct turn *u = chat_add_turn(&chat, ROLE_USER, STR("messages[1]"));
    for (unsigned i = CALLS; i--;)
        turn_add(&chat, u, BLOCK_RESULT)->result.call_id = str_from_c(names[i]);
    for (unsigned i = 0; i < CALLS; i++) {
        struct turn *t = chat_add_turn(&chat, i % 2 ? ROLE_USER : ROLE_ASSISTANT, STR("x"));
        add_block(t, i % 2 ? STR("?same=r") : STR("!same=f"));
    }
    EXPECT_EQ(chat_normalize(&chat, &notes, &fault), ERR_NONE);
    check();
    done();
}
