/*
 * A server that only says hello: what http/server costs by itself, to be measured from outside.
 *
 *     server_hello [PORT]      /        "hello world"
 *                              /N       N chunks of an event stream, each its own write
 *
 * Compare with nginx's `return 200 "hello world";` under the same load, on the same core.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/server.h"

static struct response_head hello = {.status = 200, .content_length = -1};

static void on_gone(void *arg, enum err why)
{
    if (why == ERR_CLIENT_GONE)
        exchange_release(arg);
}

static void on_nothing(void *arg)
{
    (void)arg;
}

static const struct exchange_handler handler = {.on_gone = on_gone, .on_drain = on_nothing};

static void on_exchange(void *arg, struct exchange *ex)
{
    static const char event[] = "data: {\"choices\":[{\"delta\":{\"content\":\" token\"}}]}\n\n";
    long events = strtol(ex->head->path.ptr + 1, NULL, 10);
    (void)arg;
    exchange_handle(ex, &handler, ex);
    if (events == 0) {
        exchange_send(ex, &hello, &SLICE_BORROWED(STR("hello world")), 1, true);
    } else {
        exchange_send(ex, &hello, NULL, 0, false);
        while (events--)
            exchange_send(ex, NULL, &SLICE_BORROWED(str_make(event, sizeof(event) - 1)), 1, false);
        exchange_send(ex, NULL, NULL, 0, true);
    }
    exchange_release(ex);
}

static str on_refused(void *arg, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    (void)arg, (void)a, (void)why, (void)target, (void)peer;
    return str_from_c(reason);
}

int main(int argc, char **argv)
{
    char text[64];
    struct address a;
    snprintf(text, sizeof(text), "127.0.0.1:%s", argc > 1 ? argv[1] : "8099");
    if (address_parse(&a, str_from_c(text)) != ERR_NONE)
        return EXIT_FAILURE;
    int fd = listen_socket(&a, false, 0);
    struct loop *l = loop_new();
    struct server *s = server_new(l, &(struct server_options){
                                         .conf = {.max_body = 1 << 20,
                                                  .max_header = 65536,
                                                  .max_headers = 100,
                                                  .header_timeout_ms = 10000,
                                                  .body_timeout_ms = 60000,
                                                  .idle_timeout_ms = 75000,
                                                  .client_stall_ms = 60000},
                                         .connections_max = 65536,
                                         .on_exchange = on_exchange,
                                         .on_refused = on_refused,
                                     });
    signal(SIGPIPE, SIG_IGN);
    if (fd < 0 || !s || !server_listen(s, fd, NULL)) {
        perror(text);
        return EXIT_FAILURE;
    }
    struct arena names;
    arena_init(&names, 0);
    if (!head_add_known(&hello.headers, &names, HEADER_CONTENT_TYPE, STR("text/plain")))
        return EXIT_FAILURE;
    loop_run(l); /* until killed */
    return EXIT_SUCCESS;
}
