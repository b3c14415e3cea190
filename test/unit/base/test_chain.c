/* Chunks, slices and chains: against a plain buffer as model, with random steps. */
#include "base/chain.h"

#include "base/buf.h"
#include "base/random.h"
#include "support/test.h"

#include <stdlib.h>

TEST(a_chunk_lives_as_long_as_somebody_wants_it)
{
    size_t before = chunk_alive();
    struct chunk *c = chunk_new();
    EXPECT_EQ(chunk_alive(), before + 1);
    chunk_ref(c);
    chunk_unref(c);
    EXPECT_EQ(chunk_alive(), before + 1);
    chunk_unref(c);
    EXPECT_EQ(chunk_alive(), before);
    chunk_unref(NULL);
    EXPECT_EQ(sizeof(struct chunk), CHUNK_SIZE);
}

TEST(a_chain_refers_to_chunks_and_copies_what_is_borrowed)
{
    struct chain chain;
    struct chunk *c = chunk_new();
    char text[] = "borrowed";
    chain_init(&chain);
    memcpy(c->data, "chunked", 7);
    EXPECT(chain_add(&chain, (struct slice){c, c->data, 7}));
    EXPECT_EQ(c->refs, 2);
    EXPECT(chain_add(&chain, SLICE_BORROWED(str_from_c(text))));
    text[0] = 'X';
    char out[15];
    chain_copy(&chain, out, 15);
    EXPECT_MEM(out, 15, "chunkedborrowed", 15);
    EXPECT(chain_at(&chain, 1).chunk != NULL);
    chunk_unref(c);
    chain_release(&chain);
    EXPECT_EQ(chain.bytes, 0);
}

TEST(adjoining_slices_become_one)
{
    struct chain chain;
    struct chunk *c = chunk_new();
    chain_init(&chain);
    EXPECT(chain_add(&chain, (struct slice){c, c->data, 10}));
    EXPECT(chain_add(&chain, (struct slice){c, c->data + 10, 10}));
    EXPECT_EQ(chain.count, 1);
    EXPECT_EQ(c->refs, 2);
    EXPECT(chain_add(&chain, (struct slice){c, c->data + 30, 10}));
    EXPECT_EQ(chain.count, 2);
    EXPECT_EQ(c->refs, 3);
    chunk_unref(c);
    chain_release(&chain);
}

TEST(nothing_added_is_nothing)
{
    struct chain chain;
    chain_init(&chain);
    EXPECT(chain_add(&chain, (struct slice){0}));
    EXPECT_EQ(chain.count, 0);
    EXPECT_EQ(chain_front(&chain).len, 0);
    chain_copy(&chain, NULL, 0);
    chain_drop(&chain, 0);
    EXPECT_ABORT(chain_drop(&chain, 1));
    chain_release(&chain);
}

TEST(small_borrowed_pieces_share_a_chunk)
{
    struct chain chain;
    size_t before = chunk_alive();
    chain_init(&chain);
    for (unsigned i = 0; i < 1000; i++)
        EXPECT(chain_add(&chain, SLICE_BORROWED(STR("ten bytes!"))));
    EXPECT_EQ(chunk_alive(), before + 1);
    EXPECT_EQ(chain.bytes, 10000);
    chain_release(&chain);
    EXPECT_EQ(chunk_alive(), before);
}

/* A copy must never write into a chunk that somebody else holds. */
TEST(a_chunk_that_is_shared_is_not_written_to)
{
    struct chain one, two;
    chain_init(&one);
    chain_init(&two);
    EXPECT(chain_add(&one, SLICE_BORROWED(STR("abc"))));
    EXPECT(chain_add(&two, chain_front(&one)));
    EXPECT(chain_add(&one, SLICE_BORROWED(STR("XYZ"))));
    EXPECT(chain_add(&two, SLICE_BORROWED(STR("def"))));
    char out[6];
    chain_copy(&one, out, 6);
    EXPECT_MEM(out, 6, "abcXYZ", 6);
    chain_copy(&two, out, 6);
    EXPECT_MEM(out, 6, "abcdef", 6);
    chain_release(&one);
    chain_release(&two);
}

struct model {
    struct chain chain;
    struct buf bytes;
};

static void check_model(struct model *m)
{
    EXPECT_EQ(m->chain.bytes, m->bytes.len);
    char *copy = malloc(m->bytes.len + 1);
    chain_copy(&m->chain, copy, m->chain.bytes);
    EXPECT_MEM(copy, m->chain.bytes, m->bytes.ptr ? m->bytes.ptr : copy, m->bytes.len);
    free(copy);
    size_t sum = 0;
    for (unsigned i = 0; i < m->chain.count; i++) {
        struct slice s = chain_at(&m->chain, i);
        EXPECT(s.len > 0 && s.chunk);
        sum += s.len;
    }
    EXPECT_EQ(sum, m->chain.bytes);
}

TEST(a_chain_behaves_as_a_buffer_would)
{
    size_t before = chunk_alive();
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct model models[2] = {0};
        uint64_t random = seed;
        for (unsigned step = 0; step < 60; step++) {
            struct model *m = &models[random_next(&random) % 2];
            size_t n = random_next(&random) % (random_next(&random) % 8 ? 300 : 40000);
            switch (random_next(&random) % 4) {
            case 0: { /* borrowed */
                char *text = malloc(n + 1);
                memset(text, 'a' + (int)(step % 26), n);
                EXPECT(chain_add(&m->chain, SLICE_BORROWED(str_make(text, n))));
                buf_add(&m->bytes, text, n);
                free(text);
                break;
            }
            case 1: { /* of a chunk, cut anywhere */
                struct chunk *c = chunk_new();
                size_t at = random_next(&random) % 1000;
                n = n % (CHUNK_ROOM - 1000);
                memset(c->data, 'A' + (int)(step % 26), CHUNK_ROOM);
                c->used = (unsigned)(at + n);
                EXPECT(chain_add(&m->chain, (struct slice){c, c->data + at, n}));
                buf_add(&m->bytes, c->data + at, n);
                chunk_unref(c);
                break;
            }
            case 2: /* moved from the other chain */
                for (unsigned i = 0; i < 3; i++) {
                    struct model *from = m == models ? &models[1] : &models[0];
                    struct slice s = chain_front(&from->chain);
                    EXPECT(chain_add(&m->chain, s));
                    buf_add(&m->bytes, s.ptr, s.len);
                    chain_drop(&from->chain, s.len);
                    buf_drop(&from->bytes, s.len);
                }
                break;
            default:
                n = m->chain.bytes ? n % (m->chain.bytes + 1) : 0;
                chain_drop(&m->chain, n);
                buf_drop(&m->bytes, n);
                break;
            }
            check_model(m);
        }
        for (unsigned i = 0; i < 2; i++) {
            chain_release(&models[i].chain);
            buf_release(&models[i].bytes);
        }
        EXPECT_EQ(chunk_alive(), before);
    }
    chunk_recycler_release();
}
