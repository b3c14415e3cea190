/*
 * The provider of the bench: one thread, epoll, canned answers, as little work as possible, so that what
 * is measured is the proxy in front.
 *
 *     bench_origin PORT
 *
 * A POST whose body holds "stream":true gets events: the request's fields X-Events (default 50) and
 * X-Rate (events a second, 0: all at once) or the model's name "bench-EVENTS-RATE" say how many and how
 * fast.  Others get one JSON answer of about 500 bytes.  A path that ends in /messages is answered in
 * Anthropic's format, others in OpenAI's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNS_MAX = 65536, BUFFER = 16384, WHEEL = 4096 /* ms */ };

struct conn {
    int fd;
    size_t have;
    char *in;    /* a request that came in pieces */
    size_t need; /* bytes of body still to come */
    int stream, anthropic;
    unsigned events, sent, every_ms;
    struct conn *next; /* in the wheel's slot */
    int waiting, dead;
};

static int epoll_fd;
static struct conn *conns[CONNS_MAX];
static struct conn *wheel[WHEEL];
static uint64_t now_ms, done_ms;

static const char answer_body[] =
    "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":"
    "\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"The quick "
    "brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. The quick brown "
    "fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog.\",\"refusal\":null},"
    "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":20,"
    "\"completion_tokens\":40,\"total_tokens\":60}}";

#define QUICK "The quick brown fox jumps over the lazy dog. "

static const char message_body[] =
    "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-bench\","
    "\"content\":[{\"type\":\"text\",\"text\":\"" QUICK QUICK QUICK QUICK "\"}],\"stop_reason\":"
    "\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":20,\"cache_creation_input_tokens\":"
    "0,\"cache_read_input_tokens\":0,\"output_tokens\":40,\"service_tier\":\"standard\"}}";

static uint64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void conn_close(struct conn *c)
{
    if (c->fd >= 0) {
        conns[c->fd] = NULL;
        close(c->fd);
        c->fd = -1;
    }
    c->dead = 1;
    if (!c->waiting) {
        free(c->in);
        free(c);
    }
}

/* The bench's peers read at once; a full socket only means that the run is being stopped. */
static void put(struct conn *c, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(c->fd, bytes, len);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static size_t chunk(char *out, size_t size, const char *data)
{
    return (size_t)snprintf(out, size, "%zx\r\n%s\r\n", strlen(data), data);
}

static size_t anthropic_text(const struct conn *c, char *out, size_t size)
{
    char data[512];
    size_t len = 0;
    if (c->sent == 0)
        len = chunk(
            out, size,
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":"
            "\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-bench\","
            "\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
            "{\"input_tokens\":20,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: "
            "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
            "\"text\":\"\"}}\n\n");
    snprintf(
        data, sizeof(data),
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
        "{\"type\":\"text_delta\",\"text\":\"tok%u \"}}\n\n",
        c->sent);
    return len + chunk(out + len, size - len, data);
}

static const char anthropic_end[] =
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: "
    "message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
    "\"stop_sequence\":null},\"usage\":{\"output_tokens\":40}}\n\nevent: message_stop\ndata: "
    "{\"type\":\"message_stop\"}\n\n";

static size_t event_text(const struct conn *c, char *out, size_t size)
{
    char data[512];
    if (c->anthropic)
        return anthropic_text(c, out, size);
    int len = snprintf(data, sizeof(data),
                       "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\","
                       "\"created\":1700000000,\"model\":\"bench\",\"system_fingerprint\":\"fp_1\","
                       "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"tok%u \"},\"logprobs\":"
                       "null,\"finish_reason\":null}]}\n\n",
                       c->sent);
    return (size_t)snprintf(out, size, "%x\r\n%s\r\n", len, data);
}

static void wait_in_wheel(struct conn *c)
{
    uint64_t due = now_ms + (c->every_ms ? c->every_ms : 1);
    c->waiting = 1;
    c->next = wheel[due % WHEEL];
    wheel[due % WHEEL] = c;
}

static void send_events(struct conn *c)
{
    char text[2048];
    do {
        size_t len = event_text(c, text, sizeof(text));
        if (++c->sent == c->events) {
            len += chunk(text + len, sizeof(text) - len,
                         c->anthropic ? anthropic_end : "data: [DONE]\n\n");
            len += (size_t)snprintf(text + len, sizeof(text) - len, "0\r\n\r\n");
        }
        put(c, text, len);
    } while (c->sent < c->events && !c->every_ms);
    if (c->sent < c->events)
        wait_in_wheel(c);
}

static void respond(struct conn *c)
{
    static char head[256];
    if (c->stream) {
        static const char sse[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                                  "transfer-encoding: chunked\r\n\r\n";
        c->sent = 0;
        put(c, sse, sizeof(sse) - 1);
        send_events(c);
        return;
    }
    const char *body = c->anthropic ? message_body : answer_body;
    char all[sizeof(head) + sizeof(answer_body) + sizeof(message_body)];
    int len =
        snprintf(all, sizeof(all),
                 "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_1\r\n"
                 "content-length: %zu\r\n\r\n%s",
                 strlen(body), body);
    put(c, all, (size_t)len);
}

static unsigned number_after(const char *text, const char *key, unsigned otherwise)
{
    const char *at = strcasestr(text, key);
    return at ? (unsigned)strtoul(at + strlen(key), NULL, 10) : otherwise;
}

/* A whole request stands in c->in. */
static void understand(struct conn *c)
{
    unsigned events = 50, rate = 0;
    const char *model = strstr(c->in, "\"model\":");
    model = model ? strstr(model, "bench-") : NULL;
    c->stream = strstr(c->in, "\"stream\":true") != NULL;
    c->anthropic = strncmp(c->in, "POST /v1/messages ", 18) == 0;
    if (model)
        sscanf(model, "bench-%u-%u", &events, &rate);
    c->events = number_after(c->in, "\r\nx-events: ", events);
    rate = number_after(c->in, "\r\nx-rate: ", rate);
    c->every_ms = rate ? 1000 / rate : 0;
}

/* One request at a time, as proxies send them. */
static void take(struct conn *c, char *bytes, size_t len)
{
    if (c->need) {
        size_t part = len < c->need ? len : c->need;
        c->need -= part;
        if (c->need == 0)
            respond(c);
        return;
    }
    c->in = realloc(c->in, c->have + len + 1);
    memcpy(c->in + c->have, bytes, len);
    c->have += len;
    c->in[c->have] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return;
    size_t head = (size_t)(end - c->in) + 4;
    size_t body = number_after(c->in, "\r\ncontent-length: ", 0);
    size_t got = c->have - head;
    if (got < body && c->have < BUFFER)
        return; /* the rest is near; what the body says is read from its beginning */
    understand(c);
    c->need = body > got ? body - got : 0;
    free(c->in);
    c->in = NULL;
    c->have = 0;
    if (!c->need)
        respond(c);
}

static void on_readable(struct conn *c)
{
    static char buffer[BUFFER];
    ssize_t n = read(c->fd, buffer, sizeof(buffer));
    if (n > 0)
        take(c, buffer, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        conn_close(c);
}

static void on_accept(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = fd < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;
        if (!c) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        c->fd = fd;
        conns[fd] = c;
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd,
                  &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
    }
}

static void run_wheel(void)
{
    for (; done_ms < now_ms; done_ms++) {
        struct conn *c = wheel[(done_ms + 1) % WHEEL];
        wheel[(done_ms + 1) % WHEEL] = NULL;
        while (c) {
            struct conn *next = c->next;
            c->waiting = 0;
            if (c->dead)
                conn_close(c);
            else
                send_events(c);
            c = next;
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct rlimit limit = {CONNS_MAX, CONNS_MAX};
    if (argc != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if (setrlimit(RLIMIT_NOFILE, &limit) && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    a.sin_port = htons((uint16_t)atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 4096)) {
        perror("bench_origin");
        return 1;
    }
    epoll_fd = epoll_create1(0);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener,
              &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    now_ms = done_ms = clock_ms();
    for (;;) {
        struct epoll_event events[512];
        int n = epoll_wait(epoll_fd, events, 512, 1);
        now_ms = clock_ms();
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                on_accept(listener);
            else if (conns[events[i].data.fd])
                on_readable(conns[events[i].data.fd]);
        }
        run_wheel();
    }
}
