#include "app/demo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/mock.h"
#include "llm/provider.h"

struct demo {
    struct mock *mock;
    char path[64]; /* "@llm-gateway-demo-1234" */
};

static struct demo *demo_new(struct loop *l, char *why, size_t size)
{
    struct demo *d = calloc(1, sizeof(*d));
    struct address address;
    char text[80];
    snprintf(why, size, "demo: out of memory");
    if (!d)
        return NULL;
    snprintf(d->path, sizeof(d->path), "@llm-gateway-demo-%d", (int)getpid());
    snprintf(text, sizeof(text), "unix:%s", d->path);
    int fd = address_parse(&address, str_from_c(text)) ? -1 : listen_socket(&address, false, 0);
    if (fd < 0) {
        snprintf(why, size, "demo: cannot listen on %s: %s", text, strerror(errno));
        free(d);
        return NULL;
    }
    d->mock = mock_new(l, &(struct mock_options){.tokens = 32, .token_rate = 50});
    if (d->mock && mock_listen(d->mock, fd))
        return d;
    demo_free(d);
    return NULL;
}

bool demo_prepare(struct demo **demo, struct loop *l, struct gateway_conf *conf, char *why,
                  size_t size)
{
    for (unsigned i = 0; i < conf->provider_count; i++) {
        struct endpoint *e = &conf->providers[i].endpoint;
        if (conf->providers[i].provider != provider_find(STR("demo")))
            continue;
        if (!*demo)
            *demo = demo_new(l, why, size);
        if (!*demo)
            return false;
        e->unix_path = arena_str(&conf->arena, str_from_c((*demo)->path));
        e->tls = false;
    }
    return true;
}

void demo_free(struct demo *d)
{
    if (!d)
        return;
    mock_free(d->mock);
    free(d);
}
