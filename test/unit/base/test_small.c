/* The small ones: lists, errors, ids, random numbers, digests, broken promises, the recorder. */
#include "base/check.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/list.h"
#include "base/random.h"
#include "base/recorder.h"
#include "base/uuid.h"
#include "support/test.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

/* --- Lists */

struct item {
    int value;
    struct list node;
};

TEST(a_list_keeps_its_order_and_nodes_leave_at_will)
{
    struct list head = LIST_INIT(head);
    struct item items[5];
    EXPECT(list_is_empty(&head));
    EXPECT(list_pop(&head) == NULL);
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        list_init(&items[i].node);
        list_push(&head, &items[i].node);
    }
    list_remove(&items[2].node);
    list_remove(&items[2].node); /* again is nothing */
    list_push_front(&head, &items[2].node);
    int seen[5], n = 0;
    LIST_EACH (node, &head) {
        seen[n++] = LIST_ENTRY(node, struct item, node)->value;
        list_remove(node); /* while it is walked */
    }
    EXPECT_EQ(n, 5);
    EXPECT(seen[0] == 2 && seen[1] == 0 && seen[2] == 1 && seen[3] == 3 && seen[4] == 4);
    EXPECT(list_is_empty(&head));
}

/* --- Errors */

TEST(every_error_is_told_apart_by_its_code_and_has_all_its_facts)
{
    static const char *const types[] = {"invalid_request_error",
                                        "authentication_error",
                                        "permission_error",
                                        "not_found_error",
                                        "timeout_error",
                                        "rate_limit_error",
                                        "upstream_error",
                                        "service_unavailable_error",
                                        "internal_error",
                                        "client_error",
                                        "upstream_authentication_error"};
    for (unsigned i = 1; i < ERR_COUNT; i++) {
        const struct err_facts *f = err_facts((enum err)i);
        EXPECT(f->name && *f->name && *f->help);
        EXPECT(f->status >= 400 && f->status <= 599);
        bool known = false;
        for (unsigned k = 0; k < ARRAY_LEN(types); k++)
            known = known || strcmp(f->type, types[k]) == 0;
        if (!known)
            EXPECT_FAIL("%s has the type %s", f->name, f->type);
        for (const char *c = f->code; *c; c++)
            EXPECT(islower((unsigned char)*c) || *c == '_');
        for (unsigned k = 1; k < i; k++)
            if (strcmp(f->code, err_code((enum err)k)) == 0)
                EXPECT_FAIL("%s and %s have the code %s", f->name, err_facts((enum err)k)->name,
                            f->code);
    }
}

TEST(no_error_of_a_provider_is_a_401_and_clients_faults_are_not_tried_again)
{
    for (unsigned i = 1; i < ERR_COUNT; i++) {
        const struct err_facts *f = err_facts((enum err)i);
        if (f->fault != ERR_FAULT_KEY)
            EXPECT(f->status != 401 && f->status != 403);
        if (f->fault == ERR_FAULT_KEY)
            EXPECT(!f->retry);
        if (f->fault == ERR_FAULT_NONE)
            EXPECT_FAIL("%s is nobody's fault", f->name);
    }
    EXPECT_EQ(err_facts(ERR_NONE)->status, 200);
    EXPECT_ABORT(err_facts(ERR_COUNT));
}

/* --- Ids and random numbers */

TEST(ids_are_version_7_and_sort_by_time)
{
    char before[UUID_TEXT_LEN], id[UUID_TEXT_LEN];
    memset(before, '0', sizeof(before));
    for (uint64_t ms = 1796083200000; ms < 1796083200000 + 2000; ms += 7) {
        uuid_v7(id, ms);
        for (unsigned i = 0; i < UUID_TEXT_LEN; i++) {
            bool dash = i == 8 || i == 13 || i == 18 || i == 23;
            EXPECT(dash ? id[i] == '-' : isxdigit((unsigned char)id[i]) && !isupper(id[i]));
        }
        EXPECT_EQ(id[14], '7');
        EXPECT(strchr("89ab", id[19]) != NULL);
        EXPECT(memcmp(before, id, UUID_TEXT_LEN) < 0);
        memcpy(before, id, sizeof(before));
    }
    uuid_v7(id, UINT64_C(0x0190163d8694));
    EXPECT_MEM(id, 13, "0190163d-8694", 13);
}

TEST(a_stream_of_numbers_is_repeated_by_its_seed)
{
    uint64_t a = 5, b = 5, c = 6;
    unsigned same = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t x = random_next(&a);
        EXPECT_EQ(x, random_next(&b));
        same += x == random_next(&c);
    }
    EXPECT_EQ(same, 0);
}

static void *draw(void *out)
{
    for (unsigned i = 0; i < 100; i++)
        ((uint64_t *)out)[i] = random_u64();
    return NULL;
}

TEST(threads_have_streams_of_their_own)
{
    uint64_t numbers[2][100];
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, draw, numbers[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 100; i++)
        for (unsigned k = 0; k < 100; k++)
            EXPECT_NE(numbers[0][i], numbers[1][k]);
}

/* --- Digests (FIPS 180-2, appendix B) */

TEST(digests_are_sha_256)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t digest[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        digest_sha256(str_from_c(rows[i].text), digest);
        for (unsigned k = 0; k < SHA256_BYTES; k++)
            sprintf(hex + 2 * k, "%02x", digest[k]);
        EXPECT_STR(hex, rows[i].hex);
    }
    digest_release();
    digest_release();
}

/* --- Broken promises, and what was noted before */

TEST(a_broken_promise_ends_the_process)
{
    EXPECT_ABORT(CHECK(1 == 2));
    EXPECT_ABORT(BUG("as planned %d", 1));
    CHECK(true);
}

TEST(the_recorder_keeps_the_newest_of_each_thread)
{
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = 0; i < 3 * RECORDER_EVENTS; i++)
        trace(TRACE_REQUEST_END, i, 200, 0);
    recorder_dump(&text);
    char last[32], old[32];
    snprintf(last, sizeof(last), "#%x ", 3 * RECORDER_EVENTS - 1);
    snprintf(old, sizeof(old), "#%x ", 2 * RECORDER_EVENTS - 1);
    EXPECT_CONTAINS(buf_str(&text), last);
    EXPECT(str_find(buf_str(&text), str_from_c(old)) < 0);
    unsigned lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    EXPECT_EQ(lines, RECORDER_EVENTS);
    buf_release(&text);
}
