/* `init`: a commented configuration to begin with. */
#include "app/command.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "app/config_discover.h"

extern char **environ;

static int complain(const char *path, const char *hint)
{
    fprintf(stderr, "llm-gateway: %s: %s%s\n", path, strerror(errno), hint);
    return 1;
}

static bool write_all(int fd, str text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = str_from(text, (size_t)n);
    }
    return true;
}

/* A file that is replaced is so in one step: nobody reads half of it. */
static int replace_file(const char *path, str text)
{
    struct arena a;
    arena_init(&a, 0);
    int status = 1;
    str draft = arena_printf(&a, "%s.new", path);
    int fd = draft.ptr ? open(draft.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        status = complain(path, "");
    else if (!write_all(fd, text) || fsync(fd) || rename(draft.ptr, path))
        status = complain(path, "");
    else
        status = 0;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && status)
        unlink(draft.ptr);
    arena_release(&a);
    return status;
}

static int new_file(const char *path, str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return complain(path, errno == EEXIST ? " (--force replaces it)" : "");
    bool fine = write_all(fd, text);
    fine = close(fd) == 0 && fine;
    return fine ? 0 : complain(path, "");
}

static void say_found(const struct config_found *found, const char *path)
{
    fprintf(stderr, "%s is written, with", path);
    for (unsigned i = 0; i < found->count; i++)
        fprintf(stderr, "%s %s", i ? "," : "", found->providers[i].name);
    fprintf(stderr, ".\n");
    bool is_usual = strcmp(path, "llm-gateway.yaml") == 0;
    fprintf(stderr, "Next: llm-gateway check%s%s && llm-gateway%s%s\n", is_usual ? "" : " -c ",
            is_usual ? "" : path, is_usual ? "" : " -c ", is_usual ? "" : path);
}

int command_init(struct cli *c)
{
    const char *path = cli_text(c, "output");
    struct config_found found;
    struct buf text;
    int status;
    buf_init(&text, 0);
    config_discover(&found, (const char *const *)environ, !cli_has(c, "no-probe"));
    config_found_starter(&found, &text);
    if (text.failed) {
        errno = ENOMEM;
        status = complain(path, "");
    } else if (strcmp(path, "-") == 0) {
        status = write_all(STDOUT_FILENO, buf_str(&text)) ? 0 : complain("standard output", "");
    } else {
        status = cli_has(c, "force") ? replace_file(path, buf_str(&text))
                                     : new_file(path, buf_str(&text));
        if (status == 0)
            say_found(&found, path);
    }
    buf_release(&text);
    return status;
}
