#include "app/config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/tls1.h>

static void add(struct config_checker *c, enum config_severity severity,
                const struct config_node *section, const char *name, str suggestion,
                const char *format, va_list args)
{
    struct arena *a = &c->report->arena;
    str what = arena_vprintf(a, format, args);
    const struct config_node *n = name ? config_node_get(section, str_from_c(name)) : NULL;
    struct config_place place = {0};
    str path = name ? str_from_c(name) : STR_NULL;
    if (n) {
        place = n->kind == CONFIG_TEXT ? n->place : n->key_place;
        path = config_node_path(n, a);
    } else if (section) {
        str above = config_node_path(section, a);
        place =
            section->key.len && section->kind != CONFIG_TEXT ? section->key_place : section->place;
        path =
            name ? arena_printf(a, "%.*s%s%s", STR_ARG(above), above.len ? "." : "", name) : above;
    }
    config_report_add(c->report, severity, place, path, suggestion, "%.*s", STR_ARG(what));
}

void config_complain(struct config_checker *c, const struct config_node *section, const char *name,
                     str suggestion, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, CONFIG_ERROR, section, name, suggestion, format, args);
    va_end(args);
}

void config_warn(struct config_checker *c, const struct config_node *section, const char *name,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, CONFIG_WARNING, section, name, STR_NULL, format, args);
    va_end(args);
}

bool config_is_written(const struct config_node *section, const char *name)
{
    const struct config_node *n = config_node_get(section, str_from_c(name));
    return n && (n->kind != CONFIG_NOTHING || n->is_wrong);
}

void config_check_file(struct config_checker *c, const struct config_node *section,
                       const char *name, str path)
{
    if (path.len && access(path.ptr, R_OK))
        config_complain(c, section, name, STR_NULL, "%.*s cannot be read: %s", STR_ARG(path),
                        strerror(errno));
}

/* --- Listeners. */

static bool is_unix(const struct address *a)
{
    return a->any.sa_family == AF_UNIX;
}

static bool is_local(const struct address *a)
{
    return is_unix(a) || address_is_loopback(a);
}

static bool is_same(const struct listen_conf *a, const struct listen_conf *b)
{
    return a->address.len == b->address.len &&
           memcmp(&a->address.storage, &b->address.storage, a->address.len) == 0;
}

/* Element i of a list, or the only one that was written without brackets. */
static const struct config_node *element_node(const struct config_node *list, unsigned i)
{
    const struct config_node *n = list && list->kind == CONFIG_LIST ? list->first : list;
    while (n && i-- && list->kind == CONFIG_LIST)
        n = n->next;
    return n;
}

static void check_addresses(struct config_checker *c)
{
    struct gateway_conf *g = &c->root->conf;
    const struct config_node *list = config_node_get(c->tree, STR("listen"));
    if (g->listen_count == 0 && list && list->kind == CONFIG_LIST && list->count == 0)
        config_complain(c, c->tree, "listen", STR_NULL, "needs at least one address");
    for (unsigned i = 0; i < g->listen_count; i++) {
        const struct config_node *at = element_node(list, i);
        for (unsigned j = 0; j < i; j++)
            if (is_same(&g->listen[i], &g->listen[j]))
                config_complain(c, at ? at : c->tree, NULL, STR_NULL, "%.*s is listed twice",
                                STR_ARG(g->listen[i].text));
        if (!is_local(&g->listen[i].address) && g->key_count == 0 && !g->allow_anonymous)
            config_complain(c, c->tree, "listen", STR_NULL,
                            "%.*s is reachable from other machines: add `keys`, or say "
                            "`allow_anonymous: true`",
                            STR_ARG(g->listen[i].text));
        if (g->admin_enabled && is_same(&g->listen[i], &g->admin_listen))
            config_complain(c, c->tree, "listen", STR_NULL, "%.*s is the address of `admin` too",
                            STR_ARG(g->listen[i].text));
    }
}

static void check_admin(struct config_checker *c)
{
    struct gateway_conf *g = &c->root->conf;
    const struct config_node *admin = config_node_get(c->tree, STR("admin"));
    g->admin_is_default = !config_is_written(admin, "listen");
    if (g->admin_enabled && !is_local(&g->admin_listen.address) && g->admin_token.len == 0 &&
        !config_is_written(admin, "token"))
        config_complain(c, admin, "listen", STR_NULL,
                        "%.*s is reachable from other machines and needs `admin.token`",
                        STR_ARG(g->admin_listen.text));
}

static bool has_certificate(const struct config_root *r)
{
    return r->tls_one.certificate.len || r->conf.tls.pair_count;
}

/* {certificate, key} of the section itself stands before the list. */
static void join_pairs(struct config_checker *c)
{
    struct config_root *r = c->root;
    struct tls_server_conf *tls = &r->conf.tls;
    if (r->tls_one.certificate.len == 0)
        return;
    struct tls_pair_conf *pairs = arena_alloc(c->arena, sizeof(*pairs) * (tls->pair_count + 1));
    if (!pairs) {
        c->no_memory = true;
        return;
    }
    pairs[0] = r->tls_one;
    if (tls->pair_count)
        memcpy(pairs + 1, tls->pairs, sizeof(*pairs) * tls->pair_count);
    tls->pairs = pairs;
    tls->pair_count++;
}

static void check_pair_files(struct config_checker *c, const struct config_node *section,
                             const struct tls_pair_conf *pair)
{
    config_check_file(c, section, "certificate", pair->certificate);
    config_check_file(c, section, "key", pair->key);
}

static void check_tls(struct config_checker *c)
{
    struct config_root *r = c->root;
    struct tls_server_conf *tls = &r->conf.tls;
    const struct config_node *section = config_node_get(c->tree, STR("tls"));
    if (!section || section->kind != CONFIG_MAP)
        return;
    if (r->tls_one.certificate.len && !config_is_written(section, "key"))
        config_complain(c, section, "key", STR_NULL, "is missing beside `certificate`");
    else if (r->tls_one.key.len && !config_is_written(section, "certificate"))
        config_complain(c, section, "certificate", STR_NULL, "is missing beside `key`");
    else if (!has_certificate(r) && !config_is_written(section, "certificates") &&
             (tls->client_ca.len || tls->client_auth != TLS_AUTH_NONE ||
              tls->min_version != TLS1_2_VERSION))
        config_complain(c, section, NULL, STR_NULL,
                        "has no effect without `certificate` and `key`");
    if (tls->client_auth != TLS_AUTH_NONE && tls->client_ca.len == 0)
        config_complain(c, section, "client_auth", STR_NULL, "needs `tls.client_ca`");
    if (tls->client_auth == TLS_AUTH_NONE && tls->client_ca.len)
        config_complain(c, section, "client_ca", STR_NULL,
                        "has no effect without `client_auth: optional` or `required`");
    check_pair_files(c, section, &r->tls_one);
    config_check_file(c, section, "client_ca", tls->client_ca);
    const struct config_node *list = config_node_get(section, STR("certificates"));
    for (unsigned i = 0; i < tls->pair_count; i++)
        check_pair_files(c, element_node(list, i), &tls->pairs[i]);
    join_pairs(c);
}

void config_check_listeners(struct config_checker *c)
{
    check_addresses(c);
    check_admin(c);
    check_tls(c);
}

/* --- Keys. */

static int by_hash(const void *left, const void *right)
{
    const struct key_conf *const *a = left, *const *b = right;
    int order = memcmp((*a)->sha256, (*b)->sha256, sizeof((*a)->sha256));
    return order ? order : *a < *b ? -1 : *a > *b;
}

static void check_same_secret(struct config_checker *c, const struct config_node *section)
{
    struct gateway_conf *g = &c->root->conf;
    static const uint8_t none[sizeof(g->keys->sha256)];
    struct key_conf **sorted = malloc(sizeof(struct key_conf *) * g->key_count);
    if (!sorted) {
        c->no_memory = true;
        return;
    }
    for (unsigned i = 0; i < g->key_count; i++)
        sorted[i] = &g->keys[i];
    qsort(sorted, g->key_count, sizeof(struct key_conf *), by_hash);
    for (unsigned i = 1; i < g->key_count; i++)
        if (memcmp(sorted[i]->sha256, sorted[i - 1]->sha256, sizeof(none)) == 0 &&
            memcmp(sorted[i]->sha256, none, sizeof(none)) != 0)
            config_complain(c, config_node_get(section, sorted[i]->name), NULL, STR_NULL,
                            "has the same secret as keys.%.*s", STR_ARG(sorted[i - 1]->name));
    free(sorted);
}

void config_check_fetch(struct config_checker *c)
{
    const struct config_node *section = config_node_get(c->tree, STR("fetch"));
    config_check_file(c, section, "ca", c->root->conf.fetch.ca);
}

void config_check_keys(struct config_checker *c)
{
    struct gateway_conf *g = &c->root->conf;
    const struct config_node *section = config_node_get(c->tree, STR("keys"));
    const struct config_node *n = section ? section->first : NULL;
    if (g->key_count == 0)
        return;
    for (unsigned i = 0; i < g->key_count && n; i++, n = n->next) {
        bool key = config_is_written(n, "key"), hash = config_is_written(n, "sha256");
        if (key && hash)
            config_complain(c, n, "sha256", STR_NULL, "is not needed beside `key`: write one");
        else if (!key && !hash && (n->kind == CONFIG_MAP || n->kind == CONFIG_NOTHING))
            config_complain(c, n, NULL, STR_NULL, "needs `key` or `sha256`");
        if (g->keys[i].expires_s && g->keys[i].expires_s <= time(NULL))
            config_warn(c, n, "expires", "has passed: the key is refused");
    }
    check_same_secret(c, section);
}
