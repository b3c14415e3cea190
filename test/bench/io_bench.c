/*
 * What the io layer costs by itself, on one loop and one thread:
 *
 *   bench_io pingpong [tls] [connections] [rounds]   ns per round trip (both ends are ours)
 *   bench_io echo PORT                               an echo server, for strace and others' tools
 *   bench_io idle [tls] CERTIFICATE KEY connections  bytes of heap and RSS per idle connection
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/tcp.h"
#include "io/tls.h"

static struct loop *loop;
static struct tls_context *server_ctx, *client_ctx;
static unsigned long rounds_left;
static unsigned open_count;

struct end {
    struct stream *stream;
    bool server;
};

static void on_read(void *arg, struct slice bytes)
{
    struct end *e = arg;
    if (!e->server && --rounds_left == 0) {
        loop_stop(loop);
        return;
    }
    stream_write(e->stream, &bytes, 1);
}

static void on_end(void *arg, enum err why)
{
    struct end *e = arg;
    (void)why;
    stream_close(e->stream);
    free(e);
}

static const struct stream_handler handler = {on_read, on_end, NULL};

static void begin(struct stream *s, bool server)
{
    struct end *e = malloc(sizeof(*e));
    *e = (struct end){s, server};
    stream_handle(s, &handler, e);
    stream_read_start(s);
    if (++open_count % 2 == 0 && rounds_left == 0)
        loop_stop(loop);
}

static void on_tls(void *arg, struct stream *s, enum err err, const char *why)
{
    if (err) {
        fprintf(stderr, "tls: %s\n", why);
        exit(1);
    }
    begin(s, arg != NULL);
}

static void on_accept(void *arg, struct stream *s, const struct address *peer)
{
    (void)peer;
    if (server_ctx)
        tls_start(server_ctx, s, STR_NULL, 0, on_tls, arg);
    else
        begin(s, true);
}

static void on_connected(void *arg, struct stream *s, enum err err)
{
    (void)arg;
    if (err)
        exit(1);
    if (client_ctx)
        tls_start(client_ctx, s, STR("localhost"), 1, on_tls, NULL);
    else
        begin(s, false);
}

/* Of the process: the clock on the wall says little on a busy machine. */
static uint64_t cpu_us(bool user_only)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    uint64_t user = (uint64_t)u.ru_utime.tv_sec * 1000000 + (uint64_t)u.ru_utime.tv_usec;
    uint64_t system = (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
    return user + (user_only ? 0 : system);
}

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static long rss(void)
{
    long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * 4096;
}

static void use_tls(const char *certificate, const char *key)
{
    char why[256];
    struct tls_certificate c = {certificate, key};
    server_ctx = tls_server_context(&(struct tls_server_options){.certificates = &c, .count = 1},
                                    why, sizeof(why));
    client_ctx = tls_client_context(&(struct tls_client_options){0}, why, sizeof(why));
    if (!server_ctx || !client_ctx) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

static struct stream *clients[20000];

static void keep_client(void *arg, struct stream *s, enum err err)
{
    if (err)
        exit(1);
    clients[*(unsigned *)arg] = s;
    on_connected(NULL, s, err);
}

int main(int argc, char **argv)
{
    struct address a;
    struct listener *l;
    const char *what = argc > 1 ? argv[1] : "pingpong";
    bool tls = argc > 4 && !strcmp(argv[2], "tls");
    char **args = argv + (tls ? 5 : 2);
    if (tls)
        use_tls(argv[3], argv[4]);
    loop = loop_new();
    char text[64];
    snprintf(text, sizeof(text), "127.0.0.1:%s", !strcmp(what, "echo") ? args[0] : "0");
    if (address_parse(&a, str_from_c(text)))
        return 1;
    int fd = listen_socket(&a, false, 0);
    if (fd < 0)
        return 1;
    getsockname(fd, &a.any, &a.len);
    static int yes = 1;
    l = listener_new(loop, fd, on_accept, &yes);
    (void)l;
    if (!strcmp(what, "echo")) {
        rounds_left = ~0ul;
        loop_run(loop);
        return 0;
    }
    unsigned n = args[0] ? (unsigned)atoi(args[0]) : 1;
    size_t heap_before = heap();
    long rss_before = rss();
    unsigned i;
    for (i = 0; i < n; i++) {
        tcp_connect(loop, &a, 1, 0, keep_client, &i);
        while (open_count < 2 * (i + 1))
            loop_run(loop);
        if (i == 0 && n > 10) {
            heap_before = heap();
            rss_before = rss();
        }
    }
    if (!strcmp(what, "idle")) {
        loop_turn(loop, false);
        printf("%u pairs: heap %ld, rss %ld bytes per connection (one end)\n", n,
               (long)(heap() - heap_before) / 2 / (n - 1), (rss() - rss_before) / 2 / (n - 1));
        return 0;
    }
    rounds_left = args[0] && args[1] ? strtoul(args[1], NULL, 10) : 100000;
    unsigned long rounds = rounds_left;
    uint64_t cpu = cpu_us(false), user = cpu_us(true);
    char request[200];
    memset(request, 'x', sizeof(request));
    for (i = 0; i < n; i++) {
        struct stream *s = clients[i];
        if (s->above)
            s = s->above;
        stream_write(s, &SLICE_BORROWED(str_make(request, sizeof(request))), 1);
    }
    loop_run(loop);
    printf("%lu rounds: %lu ns of CPU per round trip (two reads, two writes), of which %lu ours\n",
           rounds, (unsigned long)((cpu_us(false) - cpu) * 1000 / rounds),
           (unsigned long)((cpu_us(true) - user) * 1000 / rounds));
    return 0;
}
