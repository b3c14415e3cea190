/* `mock`: a stand-in for providers, on a loop of its own. */
#include "app/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/mock.h"
#include "io/signals.h"

static void on_signal(void *arg, int signo)
{
    if (signo == SIGTERM || signo == SIGINT)
        loop_stop(arg);
}

static struct mock_options options_of(const struct cli *c)
{
    struct mock_options o = {
        .latency_ms = cli_number(c, "latency", 0),
        .ttft_ms = cli_number(c, "ttft", 0),
        .token_rate = (double)cli_number(c, "token-rate", 0),
        .tokens = (unsigned)cli_number(c, "tokens", 0),
        .cut_after = (unsigned)cli_number(c, "cut-after", 0),
        .stall_after = (unsigned)cli_number(c, "stall-after", 0),
        .error_after = (unsigned)cli_number(c, "error-after", 0),
        .garbage = cli_has(c, "garbage"),
        .header_flood = cli_has(c, "header-flood"),
    };
    if (!cli_failure(c, "fail", &o.fail_rate, &o.fail_status))
        o.fail_rate = 0;
    return o;
}

static int listen_at(const char *text, struct address *a)
{
    if (address_parse(a, str_from_c(text))) {
        fprintf(stderr, "llm-gateway: mock: %s is not an address\n", text);
        return -1;
    }
    int fd = listen_socket(a, false, 0);
    if (fd < 0)
        fprintf(stderr, "llm-gateway: mock: cannot listen on %s: %s\n", text, strerror(errno));
    a->len = sizeof(a->storage);
    if (fd >= 0)
        getsockname(fd, &a->any, &a->len);
    return fd;
}

static void serve(struct loop *l, int fd, const struct address *a, const struct mock_options *o)
{
    enum { LAST_TURNS = 4 };
    struct signals *signals = signals_watch(l, on_signal, l);
    struct mock *mock = mock_new(l, o);
    if (signals && mock && mock_listen(mock, fd)) {
        fprintf(stderr,
                "llm-gateway mock: every provider's API at http://127.0.0.1:%u, OpenAI's under /v1 "
                "(no key needed)\n"
                "try: curl http://127.0.0.1:%u/v1/chat/completions -H 'content-type: "
                "application/json' -d '{\"model\":\"mock-gpt\",\"messages\":[{\"role\":\"user\","
                "\"content\":\"hello\"}]}'\n",
                address_port(a), address_port(a));
        loop_run(l);
    } else {
        fputs("llm-gateway: mock: out of memory\n", stderr);
    }
    mock_free(mock);
    signals_close(signals);
    for (unsigned i = 0; i < LAST_TURNS; i++)
        loop_turn(l, false);
}

int command_mock(struct cli *c)
{
    struct mock_options o = options_of(c);
    struct address address;
    const char *text = cli_text(c, "listen");
    int fd = listen_at(text ? text : "127.0.0.1:8081", &address);
    struct loop *l = fd < 0 ? NULL : loop_new();
    if (!l)
        return 1;
    serve(l, fd, &address, &o);
    loop_free(l);
    return 0;
}
