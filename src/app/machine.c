#include "app/machine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20 };

static str variable(void *arg, const char *name)
{
    const char *value = getenv(name);
    (void)arg;
    return value && *value ? str_from_c(value) : STR_NULL;
}

static str read_all(int fd, struct arena *a)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return STR_NULL;
    size_t size = (size_t)st.st_size, len = 0;
    char *text = arena_alloc(a, size + 1);
    while (text && len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return text ? str_make(text, len) : STR_NULL;
}

static str file(void *arg, str path, struct arena *a)
{
    (void)arg;
    str name = arena_str(a, path); /* terminated */
    if (!name.len || memchr(name.ptr, '\0', name.len))
        return STR_NULL;
    int fd = open(name.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return STR_NULL;
    str text = read_all(fd, a);
    close(fd);
    return text;
}

const struct token_environment machine_environment = {.variable = variable, .file = file};
