/* Stored responses: chains, scopes, bounds, threads. */
#include "policy/response_store.h"

#include <pthread.h>
#include <stdio.h>

#include "support/test.h"

enum { TTL = 1000, ROOM = 100000 };

/* Saves a response whose items are "<id>i" and "<id>o". */
static bool save(struct response_store *s, uint64_t now, const char *scope, const char *id,
                 const char *previous)
{
    char input[64], response[64];
    snprintf(input, sizeof(input), "%si", id);
    int len = snprintf(response, sizeof(response), "{%so}", id);
    return response_store_save(
        s, now, str_from_c(scope),
        &(struct stored_response){.id = str_from_c(id),
                                  .previous = str_from_c(previous),
                                  .input = str_from_c(input),
                                  .response = str_from_c(response),
                                  .output = {response + 1, (size_t)len - 2}});
}

/* Its conversation; "-" when it is not there. */
static const char *items(struct response_store *s, uint64_t now, const char *scope, const char *id)
{
    static char text[1000];
    struct arena a;
    str found = STR("-");
    arena_init(&a, 0);
    response_store_items(s, now, str_from_c(scope), str_from_c(id), true, &a, &found);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(found));
    arena_release(&a);
    return text;
}

TEST(a_conversation_is_the_chain_of_its_responses)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    EXPECT(save(s, 0, "k", "a", NULL));
    EXPECT(save(s, 0, "k", "b", "a"));
    EXPECT(save(s, 0, "k", "c", "b"));
    EXPECT(save(s, 0, "k", "d", "a")); /* another way to go on */
    EXPECT_STR(items(s, 0, "k", "a"), "ai,ao");
    EXPECT_STR(items(s, 0, "k", "c"), "ai,ao,bi,bo,ci,co");
    EXPECT_STR(items(s, 0, "k", "d"), "ai,ao,di,do");
    struct arena a;
    str text;
    arena_init(&a, 0);
    EXPECT_EQ(response_store_items(s, 0, STR("k"), STR("b"), false, &a, &text), RESPONSE_FOUND);
    EXPECT_STR(text, "ai,ao,bi");
    arena_release(&a);
    response_store_free(s);
}

TEST(a_response_comes_back_as_it_was)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    struct stored_response out;
    struct arena a;
    arena_init(&a, 0);
    save(s, 0, "k", "a", NULL);
    save(s, 0, "k", "b", "a");
    EXPECT_EQ(response_store_get(s, 0, STR("k"), STR("b"), &a, &out), RESPONSE_FOUND);
    EXPECT_STR(out.id, "b");
    EXPECT_STR(out.previous, "a");
    EXPECT_STR(out.input, "bi");
    EXPECT_STR(out.response, "{bo}");
    EXPECT_STR(out.output, "bo");
    EXPECT_EQ(response_store_get(s, 0, STR("k"), STR("x"), &a, &out), RESPONSE_NOT_FOUND);
    arena_release(&a);
    response_store_free(s);
}

TEST(scopes_do_not_see_each_other)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    save(s, 0, "k", "a", NULL);
    EXPECT_STR(items(s, 0, "other", "a"), "-");
    EXPECT(!save(s, 0, "other", "b", "a"));
    EXPECT(!response_store_delete(s, 0, STR("other"), STR("a")));
    EXPECT(save(s, 0, "other", "a", NULL));
    EXPECT_STR(items(s, 0, "k", "a"), "ai,ao");
    response_store_free(s);
}

TEST(what_is_not_used_expires_and_what_is_used_keeps_all_it_stands_on)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    save(s, 0, "k", "a", NULL);
    save(s, 0, "k", "z", NULL);
    save(s, 900, "k", "b", "a");
    EXPECT_STR(items(s, 1500, "k", "z"), "-");
    EXPECT_STR(items(s, 1500, "k", "b"), "ai,ao,bi,bo");
    EXPECT_STR(items(s, 2499, "k", "a"), "ai,ao");
    EXPECT_STR(items(s, 2500, "k", "b"), "-"); /* the end goes first */
    EXPECT_STR(items(s, 4000, "k", "a"), "-");
    EXPECT_EQ(response_store_bytes(s), 0);
    response_store_free(s);
}

TEST(a_deleted_response_is_gone_but_bears_what_stands_on_it)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    save(s, 0, "k", "a", NULL);
    save(s, 0, "k", "b", "a");
    EXPECT(response_store_delete(s, 0, STR("k"), STR("a")));
    EXPECT(!response_store_delete(s, 0, STR("k"), STR("a")));
    EXPECT_STR(items(s, 0, "k", "a"), "-");
    EXPECT_STR(items(s, 0, "k", "b"), "ai,ao,bi,bo");
    EXPECT(!save(s, 0, "k", "c", "a"));
    EXPECT(response_store_delete(s, 0, STR("k"), STR("b")));
    EXPECT_EQ(response_store_bytes(s), 0);
    response_store_free(s);
}

TEST(an_id_that_comes_again_replaces_and_may_stand_on_itself)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    save(s, 0, "k", "a", NULL);
    EXPECT(save(s, 0, "k", "a", NULL));
    EXPECT_STR(items(s, 0, "k", "a"), "ai,ao");
    EXPECT(save(s, 0, "k", "a", "a")); /* a provider that calls all its answers the same */
    EXPECT_STR(items(s, 0, "k", "a"), "ai,ao,ai,ao");
    EXPECT(response_store_delete(s, 0, STR("k"), STR("a")));
    EXPECT_EQ(response_store_bytes(s), 0);
    response_store_free(s);
}

TEST(a_full_store_forgets_what_was_used_longest_ago)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    char id[24];
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(id, sizeof(id), "r%u", i);
        EXPECT(save(s, 0, "k", id, NULL));
        EXPECT_STR(items(s, 0, "k", "r0"), "r0i,r0o");
        EXPECT(response_store_bytes(s) <= ROOM);
    }
    EXPECT_STR(items(s, 0, "k", "r1"), "-");
    EXPECT_STR(items(s, 0, "k", "r1999"), "r1999i,r1999o");
    response_store_free(s);
}

TEST(a_chain_that_fills_the_store_ends_and_leaves_it_whole)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    char id[24], before[24] = "";
    unsigned saved = 0;
    for (unsigned i = 0; i < 2000; i++, saved++) {
        snprintf(id, sizeof(id), "r%u", i);
        if (!save(s, 0, "k", id, before))
            break;
        memcpy(before, id, sizeof(id));
    }
    EXPECT(saved > 100 && saved < 2000);
    EXPECT(response_store_bytes(s) <= ROOM);
    EXPECT(save(s, 0, "k", "new", NULL)); /* the chain's end makes room */
    EXPECT_STR(items(s, 0, "k", before), "-");
    response_store_free(s);
}

TEST(what_is_too_large_is_not_kept)
{
    struct response_store *s = response_store_new(400, TTL);
    EXPECT(!save(s, 0, "k", "a", NULL));
    EXPECT_EQ(response_store_bytes(s), 0);
    response_store_free(s);
}

TEST(no_memory_in_the_arena_is_told_from_not_found)
{
    struct response_store *s = response_store_new(ROOM, TTL);
    struct stored_response out;
    struct arena a;
    str text;
    arena_init(&a, 1);
    save(s, 0, "k", "a", NULL);
    EXPECT_EQ(response_store_get(s, 0, STR("k"), STR("a"), &a, &out), RESPONSE_NO_MEMORY);
    EXPECT_EQ(response_store_items(s, 0, STR("k"), STR("a"), true, &a, &text), RESPONSE_NO_MEMORY);
    arena_release(&a);
    response_store_free(s);
}

/* --- Threads -------------------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    struct response_store *s = arg;
    unsigned seed = (unsigned)(uintptr_t)pthread_self();
    struct arena a;
    arena_init(&a, 0);
    for (unsigned i = 0; i < 3000; i++) {
        char id[24], previous[24];
        struct stored_response out;
        str text;
        snprintf(id, sizeof(id), "r%u", (seed = seed * 1103515245 + 12345) / 65536 % 50);
        snprintf(previous, sizeof(previous), "r%u",
                 (seed = seed * 1103515245 + 12345) / 65536 % 50);
        save(s, i, "k", id, i % 3 ? previous : NULL);
        response_store_items(s, i, STR("k"), str_from_c(previous), true, &a, &text);
        response_store_get(s, i, STR("k"), str_from_c(id), &a, &out);
        if (i % 7 == 0)
            response_store_delete(s, i, STR("k"), str_from_c(previous));
        arena_release(&a);
    }
    arena_recycler_release();
    return NULL;
}

TEST(several_threads_may_use_it)
{
    struct response_store *s = response_store_new(20000, 500);
    pthread_t threads[4];
    for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, work, s), 0);
    for (unsigned i = 0; i < ARRAY_LEN(threads); i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
    EXPECT(response_store_bytes(s) <= 20000);
    response_store_free(s);
}
