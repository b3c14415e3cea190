/*
 * The client of the bench: one thread, epoll.
 *
 *     bench_load --port P --connections N --seconds S [--requests R] [--body FILE] [--head FILE]
 *                [--model NAME] [--stream] [--key K] [--path /v1/chat/completions]
 *
 * Each connection sends a request, reads the answer to its end, and sends the next.  With --stream the
 * events are counted and their numbers ("tokN") checked for order and gaps.  Prints one line of JSON:
 * requests, events, errors, gaps, seconds, and latencies in microseconds (of whole answers; of streams
 * also to the first event).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 21, BUFFER = 65536 };

struct conn {
    int fd;
    uint64_t sent_us, first_us;
    size_t sent; /* bytes of the request that are out */
    int in_head, chunked;
    uint64_t body_left; /* content-length, or of the chunk */
    int chunk_state;    /* 0 size line, 1 data, 2 end of data, 3 last */
    char line[64];
    unsigned line_len;
    char head[4096];
    unsigned head_len;
    unsigned next_token;
    char tail[32]; /* of the last piece, for a "tokN" that was cut */
    unsigned tail_len;
    int status;
};

static struct {
    int port, connections, stream, closing;
    double seconds;
    uint64_t requests_max;
    const char *model, *key, *path, *body_file;
} options = {
    .port = 8080, .connections = 1, .seconds = 5, .model = "bench", .path = "/v1/chat/completions"};

static char *request;
static size_t request_len;
static int epoll_fd;
static uint64_t started_us, requests, events, errors, gaps, begun;
static uint32_t *samples, *firsts;
static size_t sample_count, first_count;

static uint64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void make_request(void)
{
    char *body = NULL;
    size_t body_len = 0;
    if (options.body_file) {
        FILE *f = fopen(options.body_file, "rb");
        if (!f) {
            perror(options.body_file);
            exit(1);
        }
        body = malloc(64 << 20);
        body_len = fread(body, 1, 64 << 20, f);
        fclose(f);
    } else {
        body_len = (size_t)asprintf(
            &body,
            "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful "
            "assistant.\"},{\"role\":\"user\",\"content\":\"Tell me about the quick brown fox, and "
            "why it jumps over the lazy dog so often.\"}],\"temperature\":0.7,\"max_tokens\":256%s}",
            options.model, options.stream ? ",\"stream\":true" : "");
    }
    char *head;
    int head_len = asprintf(
        &head,
        "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept: application/json\r\ncontent-type: "
        "application/json\r\nuser-agent: OpenAI/Python 2.0.0\r\nx-stainless-lang: python\r\n"
        "x-stainless-retry-count: 0\r\nauthorization: Bearer %s\r\ncontent-length: %zu\r\n\r\n",
        options.path, options.port, options.key ? options.key : "sk-none", body_len);
    request_len = (size_t)head_len + body_len;
    request = malloc(request_len);
    memcpy(request, head, (size_t)head_len);
    memcpy(request + head_len, body, body_len);
    free(head);
    free(body);
}

static void fail(struct conn *c, const char *why)
{
    if (errors++ < 3)
        fprintf(stderr, "bench_load: %s (status %d)\n", why, c->status);
    close(c->fd);
    c->fd = -1;
}

static void push_request(struct conn *c)
{
    while (c->sent < request_len) {
        ssize_t n =
            send(c->fd, request + c->sent, request_len - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN)
                fail(c, strerror(errno));
            return; /* EPOLLOUT comes */
        }
        c->sent += (size_t)n;
    }
}

static int is_over(void)
{
    return (options.requests_max && begun >= options.requests_max) ||
           (double)(clock_us() - started_us) / 1e6 > options.seconds;
}

static void begin(struct conn *c)
{
    if (is_over()) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    begun++;
    c->sent = 0;
    c->in_head = 1;
    c->head_len = 0;
    c->first_us = 0;
    c->next_token = 0;
    c->tail_len = 0;
    c->sent_us = clock_us();
    push_request(c);
}

static void done(struct conn *c)
{
    uint64_t us = clock_us() - c->sent_us;
    requests++;
    if (c->status != 200) {
        fail(c, "not 200");
        return;
    }
    if (sample_count < SAMPLES_MAX)
        samples[sample_count++] = (uint32_t)us;
    begin(c);
}

/* Events: counts "data: " and checks "tokN"; a piece may end inside either. */
static void look(struct conn *c, const char *bytes, size_t len)
{
    char joined[BUFFER + 64];
    if (!options.stream)
        return;
    memcpy(joined, c->tail, c->tail_len);
    memcpy(joined + c->tail_len, bytes, len);
    size_t n = c->tail_len + len, at = 0;
    joined[n] = 0;
    for (;;) {
        char *tok = memmem(joined + at, n - at, "\"tok", 4);
        if (!tok)
            break;
        char *end = memchr(tok, ' ', n - (size_t)(tok - joined));
        if (!end)
            break;
        if (strtoul(tok + 4, NULL, 10) != c->next_token)
            gaps++;
        c->next_token++;
        events++;
        at = (size_t)(end - joined);
        if (!c->first_us) {
            c->first_us = clock_us();
            if (first_count < SAMPLES_MAX)
                firsts[first_count++] = (uint32_t)(c->first_us - c->sent_us);
        }
    }
    size_t keep = n - at < sizeof(c->tail) ? n - at : sizeof(c->tail) - 1;
    memcpy(c->tail, joined + n - keep, keep);
    c->tail_len = (unsigned)keep;
}

static void head_over(struct conn *c)
{
    c->head[c->head_len] = 0;
    c->status = atoi(c->head + 9);
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
    c->body_left = length ? strtoull(length + 17, NULL, 10) : 0;
    c->in_head = 0;
    c->chunk_state = 0;
    c->line_len = 0;
}

/* Returns bytes used; *over: the answer is complete. */
static size_t take_chunked(struct conn *c, const char *p, size_t len, int *over)
{
    size_t at = 0;
    while (at < len && !*over) {
        if (c->chunk_state == 1) {
            size_t part = len - at < c->body_left ? len - at : (size_t)c->body_left;
            look(c, p + at, part);
            at += part;
            c->body_left -= part;
            if (!c->body_left)
                c->chunk_state = 2;
            continue;
        }
        char ch = p[at++];
        if (ch != '\n') {
            if (c->line_len < sizeof(c->line) - 1)
                c->line[c->line_len++] = ch;
            continue;
        }
        c->line[c->line_len] = 0;
        if (c->chunk_state == 0) {
            c->body_left = strtoull(c->line, NULL, 16);
            c->chunk_state = c->body_left ? 1 : 3;
        } else if (c->chunk_state == 2) {
            c->chunk_state = 0;
        } else {
            *over = 1;
        }
        c->line_len = 0;
    }
    return at;
}

static void take(struct conn *c, const char *p, size_t len)
{
    while (len && c->fd >= 0) {
        if (c->in_head) {
            if (c->head_len == sizeof(c->head) - 1) {
                fail(c, "head too long");
                return;
            }
            c->head[c->head_len++] = *p++;
            len--;
            if (c->head_len >= 4 && memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0)
                head_over(c);
            continue;
        }
        int over = 0;
        size_t used;
        if (c->chunked) {
            used = take_chunked(c, p, len, &over);
        } else {
            used = len < c->body_left ? len : (size_t)c->body_left;
            look(c, p, used);
            c->body_left -= used;
            over = c->body_left == 0;
        }
        p += used;
        len -= used;
        if (over)
            done(c);
    }
}

static int connect_one(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)options.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        perror("bench_load: connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_latencies(const char *name, uint32_t *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_size);
    printf(", \"%s\": {\"p50\": %u, \"p90\": %u, \"p99\": %u, \"max\": %u}", name, n ? v[n / 2] : 0,
           n ? v[n * 9 / 10] : 0, n ? v[n * 99 / 100] : 0, n ? v[n - 1] : 0);
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--stream")) {
            options.stream = 1;
            continue;
        }
        if (i + 1 == argc)
            exit(2);
        const char *value = argv[++i];
        if (!strcmp(name, "--port"))
            options.port = atoi(value);
        else if (!strcmp(name, "--connections"))
            options.connections = atoi(value);
        else if (!strcmp(name, "--seconds"))
            options.seconds = atof(value);
        else if (!strcmp(name, "--requests"))
            options.requests_max = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--body"))
            options.body_file = value;
        else if (!strcmp(name, "--model"))
            options.model = value;
        else if (!strcmp(name, "--key"))
            options.key = value;
        else if (!strcmp(name, "--path"))
            options.path = value;
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER];
    struct rlimit limit;
    parse(argc, argv);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    make_request();
    samples = malloc(SAMPLES_MAX * sizeof(*samples));
    firsts = malloc(SAMPLES_MAX * sizeof(*firsts));
    struct conn *conns = calloc((size_t)options.connections, sizeof(*conns));
    epoll_fd = epoll_create1(0);
    started_us = clock_us();
    for (int i = 0; i < options.connections; i++) {
        conns[i].fd = connect_one();
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conns[i].fd,
                  &(struct epoll_event){.events = EPOLLIN | (request_len > 60000 ? EPOLLOUT : 0),
                                        .data.ptr = &conns[i]});
        begin(&conns[i]);
    }
    started_us = clock_us();
    for (int open = 1; open;) {
        struct epoll_event ready[512];
        int n = epoll_wait(epoll_fd, ready, 512, 200);
        for (int i = 0; i < n; i++) {
            struct conn *c = ready[i].data.ptr;
            if (c->fd >= 0 && c->sent < request_len)
                push_request(c);
            if (c->fd < 0 || !(ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                continue;
            ssize_t got = recv(c->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
            if (got > 0)
                take(c, buffer, (size_t)got);
            else if (got == 0 || errno != EAGAIN)
                fail(c, got ? strerror(errno) : "closed early");
        }
        open = 0;
        for (int i = 0; i < options.connections && !open; i++)
            open = conns[i].fd >= 0;
        if ((double)(clock_us() - started_us) / 1e6 > options.seconds + 30)
            break; /* answers that never end */
    }
    double seconds = (double)(clock_us() - started_us) / 1e6;
    printf("{\"requests\": %llu, \"events\": %llu, \"errors\": %llu, \"gaps\": %llu, \"seconds\": "
           "%.3f",
           (unsigned long long)requests, (unsigned long long)events, (unsigned long long)errors,
           (unsigned long long)gaps, seconds);
    print_latencies("latency_us", samples, sample_count);
    print_latencies("first_us", firsts, first_count);
    puts("}");
    return 0;
}
