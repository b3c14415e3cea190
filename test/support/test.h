/*
 * Tests: a name that is a sentence, and expectations that print both values when they fail.
 *
 *     #include "support/test.h"
 *
 *     TEST(pool_gives_a_slot_back_once)
 *     {
 *         EXPECT(pool_check(&p));
 *         EXPECT_EQ(pool_idle(&p), 1);
 *         EXPECT_STR(name, "example");
 *     }
 *
 * Every TEST of a program registers itself; main is in test.c and runs them in the order of the
 * file, through cmocka, which counts.  Arguments choose tests whose name contains one of them:
 *
 *     build/dev/unit_base_arena grows_past_its_first_block
 *
 * The first failed expectation ends its test.  Expectations belong to the thread of the test: one
 * that fails elsewhere aborts the program.
 */
#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

/* Called before main, by TEST. */
void test_register(struct test *test);

#define TEST(sentence)                                                                             \
    static void test_##sentence(void);                                                             \
    __attribute__((constructor)) static void test_register_##sentence(void)                        \
    {                                                                                              \
        static struct test test = {.name = #sentence, .run = test_##sentence};                     \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void test_##sentence(void)

/* Fails the test that runs, with a message as of printf. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "expected: %s", #condition);                             \
    } while (0)

#define EXPECT_FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* Integers, enums, bools and pointers, compared as 64 bits.  For doubles: EXPECT_NEAR. */
#define EXPECT_EQ(actual, expected)                                                                \
    test_expect_eq(__FILE__, __LINE__, #actual, #expected, TEST_BITS(actual), TEST_BITS(expected))
#define EXPECT_NE(actual, unexpected)                                                              \
    test_expect_ne(__FILE__, __LINE__, #actual, #unexpected, TEST_BITS(actual),                    \
                   TEST_BITS(unexpected))

/* Orders, for signed values up to 64 bits and unsigned ones up to 63. */
#define EXPECT_LT(a, b) test_expect_lt(__FILE__, __LINE__, #a, #b, TEST_BITS(a), TEST_BITS(b))
#define EXPECT_LE(a, b) test_expect_le(__FILE__, __LINE__, #a, #b, TEST_BITS(a), TEST_BITS(b))
#define EXPECT_GT(a, b) EXPECT_LT(b, a)
#define EXPECT_GE(a, b) EXPECT_LE(b, a)

#define EXPECT_NEAR(actual, expected, within)                                                      \
    test_expect_near(__FILE__, __LINE__, #actual, (actual), (expected), (within))

/* Text: each side a str, a char * or a literal.  A NULL equals only a NULL. */
#define EXPECT_STR(actual, expected)                                                               \
    test_expect_str(__FILE__, __LINE__, #actual, TEST_STR(actual), TEST_STR(expected))
#define EXPECT_CONTAINS(actual, part)                                                              \
    test_expect_contains(__FILE__, __LINE__, #actual, TEST_STR(actual), TEST_STR(part))

/* Bytes. */
#define EXPECT_MEM(actual, actual_len, expected, expected_len)                                     \
    test_expect_mem(__FILE__, __LINE__, #actual, (actual), (actual_len), (expected), (expected_len))

/* The statement breaks a promise: it ends in abort (CHECK, BUG).  It runs in a child process. */
#define EXPECT_ABORT(statement)                                                                    \
    do {                                                                                           \
        if (test_child())                                                                          \
            test_expect_aborted(__FILE__, __LINE__, #statement);                                   \
        else {                                                                                     \
            statement;                                                                             \
            test_child_survived();                                                                 \
        }                                                                                          \
    } while (0)

/* Below: what the macros stand on. */

/* A double would lose its fraction without a word, so it does not compile. */
#define TEST_BITS(value)                                                                           \
    (sizeof(char[_Generic((value), float : -1, double : -1, default : 1)]) ? (long long)(value) : 0)

#define TEST_STR(value) _Generic((value), str : test_str_same, default : test_str_from_c)(value)

static inline str test_str_same(str s)
{
    return s;
}

static inline str test_str_from_c(const char *c)
{
    return str_from_c(c);
}

void test_expect_eq(const char *file, int line, const char *actual_text, const char *expected_text,
                    long long actual, long long expected);
void test_expect_ne(const char *file, int line, const char *actual_text, const char *expected_text,
                    long long actual, long long unexpected);
void test_expect_lt(const char *file, int line, const char *a_text, const char *b_text, long long a,
                    long long b);
void test_expect_le(const char *file, int line, const char *a_text, const char *b_text, long long a,
                    long long b);
void test_expect_near(const char *file, int line, const char *text, double actual, double expected,
                      double within);
void test_expect_str(const char *file, int line, const char *text, str actual, str expected);
void test_expect_contains(const char *file, int line, const char *text, str actual, str part);
void test_expect_mem(const char *file, int line, const char *text, const void *actual,
                     size_t actual_len, const void *expected, size_t expected_len);

/* True in the parent, once the child has ended; false in the child. */
bool test_child(void);
_Noreturn void test_child_survived(void);
void test_expect_aborted(const char *file, int line, const char *text);

#endif
