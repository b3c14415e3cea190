#include "base/check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Written once at start, before threads; read by whichever thread fails. */
static void (*failure_hook)(void);
static atomic_flag failing = ATOMIC_FLAG_INIT;

void check_on_failure(void (*hook)(void))
{
    failure_hook = hook;
}

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "BUG at %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (failure_hook && !atomic_flag_test_and_set(&failing))
        failure_hook();
    abort();
}
