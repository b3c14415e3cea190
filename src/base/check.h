/*
 * Promises inside the program.  CHECK stays on in release: a broken one prints where and what, has
 * the flight recorder dumped (check_on_failure) and aborts.  What the world does to us is never a
 * CHECK but an `enum err`.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(__FILE__, __LINE__, "%s", #condition);                                    \
    } while (0)

#define BUG(...) check_failed(__FILE__, __LINE__, __VA_ARGS__)

#define must_check __attribute__((warn_unused_result))
#define printf_like(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define BIT(n) (1u << (n))

_Noreturn void check_failed(const char *file, int line, const char *format, ...) printf_like(3, 4);

/* Called once before the abort, on the failing thread; must be signal-safe in spirit (no locks). */
void check_on_failure(void (*hook)(void));

#endif
