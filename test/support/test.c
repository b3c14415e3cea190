#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* As many bytes of a value are shown before it is cut. */
#define SHOWN_MAX 400

static struct test *tests;
static struct test **tests_end = &tests;
static size_t tests_count;
static int child_status;

void test_register(struct test *test)
{
    *tests_end = test;
    tests_end = &test->next;
    tests_count++;
}

void test_fail(const char *file, int line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *message = NULL;
    if (vasprintf(&message, format, args) < 0)
        abort();
    va_end(args);
    print_error("%s:%d: %s\n", file, line, message);
    free(message);
    _fail(file, line);
    abort(); /* cmocka has jumped out of the test before this */
}

void test_expect_eq(const char *file, int line, const char *actual_text, const char *expected_text,
                    long long actual, long long expected)
{
    if (actual != expected)
        test_fail(file, line, "%s is %lld (0x%llx), expected %s = %lld (0x%llx)", actual_text,
                  actual, (unsigned long long)actual, expected_text, expected,
                  (unsigned long long)expected);
}

void test_expect_ne(const char *file, int line, const char *actual_text, const char *expected_text,
                    long long actual, long long unexpected)
{
    if (actual == unexpected)
        test_fail(file, line, "%s is %lld (0x%llx), the same as %s", actual_text, actual,
                  (unsigned long long)actual, expected_text);
}

void test_expect_lt(const char *file, int line, const char *a_text, const char *b_text, long long a,
                    long long b)
{
    if (a >= b)
        test_fail(file, line, "expected %s < %s, have %lld and %lld", a_text, b_text, a, b);
}

void test_expect_le(const char *file, int line, const char *a_text, const char *b_text, long long a,
                    long long b)
{
    if (a > b)
        test_fail(file, line, "expected %s <= %s, have %lld and %lld", a_text, b_text, a, b);
}

void test_expect_near(const char *file, int line, const char *text, double actual, double expected,
                      double within)
{
    if (!(fabs(actual - expected) <= within)) /* so written, NaN fails */
        test_fail(file, line, "%s is %.17g, expected %.17g within %g", text, actual, expected,
                  within);
}

/* The bytes as C would write them, cut around `at`; free() it. */
static char *shown(str bytes, size_t at)
{
    if (str_is_null(bytes))
        return strdup("(null)");
    size_t from = at > SHOWN_MAX / 2 ? at - SHOWN_MAX / 2 : 0;
    size_t to = bytes.len - from > SHOWN_MAX ? from + SHOWN_MAX : bytes.len;
    char *text = NULL;
    size_t text_len = 0;
    FILE *out = open_memstream(&text, &text_len);
    if (!out)
        abort();

    fputs(from ? "…\"" : "\"", out);
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", out);
        else if (c == '\r')
            fputs("\\r", out);
        else if (c >= ' ' && c < 0x7f)
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
    fputs(to < bytes.len ? "\"…" : "\"", out);
    if (fclose(out))
        abort();
    return text;
}

static size_t first_difference(str a, str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    size_t i = 0;
    while (i < shorter && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

void test_expect_str(const char *file, int line, const char *text, str actual, str expected)
{
    if (str_eq(actual, expected) && str_is_null(actual) == str_is_null(expected))
        return;
    size_t at = first_difference(actual, expected);
    test_fail(file, line, "%s differs from byte %zu on\n  is       %s (%zu)\n  expected %s (%zu)",
              text, at, shown(actual, at), actual.len, shown(expected, at), expected.len);
}

void test_expect_contains(const char *file, int line, const char *text, str actual, str part)
{
    if (part.len && (!actual.len || !memmem(actual.ptr, actual.len, part.ptr, part.len)))
        test_fail(file, line, "%s does not contain %s:\n  is %s (%zu)", text, shown(part, 0),
                  shown(actual, 0), actual.len);
}

void test_expect_mem(const char *file, int line, const char *text, const void *actual,
                     size_t actual_len, const void *expected, size_t expected_len)
{
    /* Bytes that are none are equal, wherever their pointers point. */
    if (actual_len == 0 && expected_len == 0)
        return;
    test_expect_str(file, line, text, str_make(actual, actual_len),
                    str_make(expected, expected_len));
}

bool test_child(void)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0) {
        while (waitpid(pid, &child_status, 0) < 0 && errno == EINTR)
            continue;
        return true;
    }

    /* The dump that is about to come is expected: nobody wants to read it, nor its core. */
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0)
        _exit(1);
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0}))
        _exit(1);
    return false;
}

void test_child_survived(void)
{
    _exit(0);
}

void test_expect_aborted(const char *file, int line, const char *text)
{
    if (!WIFSIGNALED(child_status) || WTERMSIG(child_status) != SIGABRT)
        test_fail(file, line, "expected an abort: %s (wait status 0x%x)", text,
                  (unsigned)child_status);
}

static void run(void **state)
{
    const struct test *test = *state;
    test->run();
}

static bool chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    struct CMUnitTest *all = calloc(tests_count + 1, sizeof(*all));
    if (!all)
        return 2;

    size_t count = 0;
    for (struct test *test = tests; test; test = test->next)
        if (chosen(test->name, argc, argv))
            all[count++] = (struct CMUnitTest){
                .name = test->name,
                .test_func = run,
                .initial_state = test,
            };
    if (count == 0) {
        fprintf(stderr, "no test has that name\n");
        return 2;
    }

    /* Line by line, so that what was printed before a crash is seen. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    int failed = _cmocka_run_group_tests(argv[0], all, count, NULL, NULL);
    free(all);
    return failed ? 1 : 0;
}
