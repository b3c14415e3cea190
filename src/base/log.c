#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    WAITING_MAX = 4 << 20, /* bytes of lines that may wait for the disk */
    GATHER_NS = 20 * 1000 * 1000,
    CLOSE_WAIT_S = 1,
    MESSAGE_MAX = 2048,
};

struct log_file {
    char *path; /* NULL: stderr */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below; fd is the writer thread's once it runs */
    pthread_cond_t wake, closed;
    struct buf waiting;
    int fd;
    bool reopen, closing, idle;
    bool terminal; /* as opened */
};

/* Counters and switches that any thread reads; nothing is ordered by them. */
static _Atomic uint64_t dropped;
static _Atomic int current_level = LOG_INFO;

/* Set while the process has one thread, or under its own lock. */
static pthread_mutex_t target_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_file *target;
static bool target_json;

/* --- Files ---------------------------------------------------------------------------------- */

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static uint64_t count_lines(str s)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < s.len; i++)
        lines += s.ptr[i] == '\n';
    return lines;
}

/* Without the lock.  What a full disk does not take is dropped and counted. */
static void write_all(int fd, str s)
{
    while (s.len) {
        ssize_t n = write(fd, s.ptr, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            atomic_fetch_add_explicit(&dropped, count_lines(s), memory_order_relaxed);
            return;
        }
        s = str_from(s, (size_t)n);
    }
}

static void do_reopen(struct log_file *f)
{
    int fd = f->path ? open_path(f->path) : -1;
    if (fd < 0)
        return;
    close(f->fd);
    f->fd = fd;
}

/* Lines gather for a while, so that many go in one write; closing ends it.  Under the lock. */
static void gather(struct log_file *f)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += GATHER_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!f->closing && pthread_cond_timedwait(&f->closed, &f->lock, &until) == 0)
        continue;
}

static void write_once(struct log_file *f, struct buf *spare)
{
    struct buf taken = f->waiting;
    f->waiting = *spare;
    f->idle = false;
    bool reopen = f->reopen;
    f->reopen = false;
    pthread_mutex_unlock(&f->lock);
    if (reopen) /* without the lock: a disk that hangs holds up nobody but this thread */
        do_reopen(f);
    write_all(f->fd, buf_str(&taken));
    buf_clear(&taken);
    *spare = taken;
    pthread_mutex_lock(&f->lock);
    gather(f);
    f->idle = true;
}

static void *writer(void *arg)
{
    struct log_file *f = arg;
    struct buf spare;
    buf_init(&spare, WAITING_MAX);
    pthread_mutex_lock(&f->lock);
    for (;;) {
        if (f->waiting.len || f->reopen)
            write_once(f, &spare);
        else if (f->closing)
            break;
        else
            pthread_cond_wait(&f->wake, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    buf_release(&spare);
    return NULL;
}

struct log_file *log_file_open(const char *path)
{
    struct log_file *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->path = path ? strdup(path) : NULL;
    f->fd = path ? open_path(path) : STDERR_FILENO;
    f->idle = true;
    f->terminal = f->fd >= 0 && isatty(f->fd);
    buf_init(&f->waiting, WAITING_MAX);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->wake, NULL);
    pthread_cond_init(&f->closed, NULL);
    if (f->fd >= 0 && pthread_create(&f->thread, NULL, writer, f) == 0)
        return f;
    int error = errno;
    if (f->fd >= 0 && path)
        close(f->fd);
    free(f->path);
    free(f);
    errno = error;
    return NULL;
}

void log_file_write(struct log_file *f, str lines)
{
    pthread_mutex_lock(&f->lock);
    bool was_empty = f->waiting.len == 0;
    buf_add(&f->waiting, lines.ptr, lines.len);
    if (f->waiting.failed) {
        f->waiting.failed = false;
        atomic_fetch_add_explicit(&dropped, count_lines(lines), memory_order_relaxed);
    }
    if (was_empty && f->idle)
        pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

void log_file_reopen(struct log_file *f)
{
    pthread_mutex_lock(&f->lock);
    f->reopen = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

bool log_file_is_terminal(const struct log_file *f)
{
    return f->terminal;
}

void log_file_close(struct log_file *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->closing = true;
    pthread_cond_signal(&f->wake);
    pthread_cond_signal(&f->closed);
    pthread_mutex_unlock(&f->lock);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_WAIT_S;
    if (pthread_timedjoin_np(f->thread, NULL, &until) != 0) {
        pthread_detach(f->thread); /* a disk that hangs: the process ends without it, f stays */
        return;
    }
    if (f->path)
        close(f->fd);
    buf_release(&f->waiting);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->wake);
    pthread_cond_destroy(&f->closed);
    free(f->path);
    free(f);
}

uint64_t log_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

/* --- Messages ------------------------------------------------------------------------------- */

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    CHECK((unsigned)level < ARRAY_LEN(names));
    return names[level];
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

static void add_time(struct buf *out)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
               utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000);
}

/* Only what JSON demands; messages are ours, in UTF-8 but for what a peer's words may hold. */
static void add_json_string(struct buf *out, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            buf_add_byte(out, '\\');
        if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_add_byte(out, (char)c);
    }
}

static void add_line(struct buf *out, bool json, enum log_level level, str text)
{
    if (json) {
        buf_add_lit(out, "{\"time\":\"");
        add_time(out);
        buf_printf(out, "\",\"level\":\"%s\",\"message\":\"", log_level_name(level));
        add_json_string(out, text);
        buf_add_lit(out, "\"}\n");
        return;
    }
    add_time(out);
    buf_printf(out, " %-5s ", log_level_name(level));
    for (size_t i = 0; i < text.len; i++)
        buf_add_byte(out, (unsigned char)text.ptr[i] < 0x20 ? ' ' : text.ptr[i]);
    buf_add_byte(out, '\n');
}

void log_message(enum log_level level, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list args;
    if (!log_is_on(level))
        return;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    struct buf line;
    buf_init(&line, 0);
    pthread_mutex_lock(&target_lock);
    add_line(&line, target && target_json, level, str_make(text, kept));
    if (target)
        log_file_write(target, buf_str(&line));
    else
        write_all(STDERR_FILENO, buf_str(&line));
    pthread_mutex_unlock(&target_lock);
    buf_release(&line);
}

void log_start(struct log_file *f, bool json)
{
    pthread_mutex_lock(&target_lock);
    target = f;
    target_json = json;
    pthread_mutex_unlock(&target_lock);
}

void log_stop(void)
{
    log_start(NULL, false);
}
