#include "io/tls_impl.h"

#include "base/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    HOSTS_MAX = 256,       /* to which sessions are kept */
    SESSIONS_MAX = 8,      /* for each */
    SERVER_SESSIONS = 512, /* of clients without tickets */
    ALPN_MAX = 64,
};

/* TLS 1.2: forward secrecy and authenticated encryption only.  (1.3 has nothing else.) */
static const char CIPHERS_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!PSK";

struct tls_host {
    struct tls_host *next;
    SSL_SESSION *sessions[SESSIONS_MAX]; /* oldest first */
    unsigned count;
    uint16_t port;
    size_t len;
    char name[];
};

struct tls_context {
    atomic_uint refs;
    bool server;
    SSL_CTX **ctx; /* one for each certificate; the first is what connections start with */
    unsigned count;
    int64_t expiry;
    unsigned char alpn[ALPN_MAX]; /* as in the extension: length, name, … */
    unsigned alpn_len;
    pthread_mutex_t lock; /* of hosts: the loops share a context */
    struct tls_host *hosts;
    unsigned hosts_count;
};

/* --- Words */

const char *tls_error_text(void)
{
    unsigned long e = ERR_get_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    ERR_clear_error();
    return reason ? reason : "unknown error";
}

static bool no(char *why, size_t size, const char *what, const char *reason)
{
    snprintf(why, size, "%s: %s", what, reason);
    ERR_clear_error();
    return false;
}

/* OpenSSL's own words for a file that cannot be read are poor. */
static bool is_readable(const char *path, char *why, size_t size)
{
    return access(path, R_OK) == 0 || no(why, size, path, strerror(errno));
}

/* --- Certificates */

/* Without this OpenSSL would ask for the pass phrase on the terminal. */
static int no_pass_phrase(char *to, int size, int writing, void *arg)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void note_expiry(struct tls_context *c, SSL_CTX *ctx)
{
    X509 *x = SSL_CTX_get0_certificate(ctx);
    int64_t at = x ? seconds_of(X509_get0_notAfter(x)) : 0;
    if (at && (c->expiry == 0 || at < c->expiry))
        c->expiry = at;
}

static bool use_certificate(struct tls_context *c, SSL_CTX *ctx, const char *certificate,
                            const char *key, char *why, size_t size)
{
    if (!certificate || !key)
        return no(why, size,
                  certificate ? certificate
                  : key       ? key
                              : "tls",
                  "a certificate needs a key, and a key a certificate");
    if (!is_readable(certificate, why, size) || !is_readable(key, why, size))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
        return no(why, size, certificate, tls_error_text());
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return no(why, size, key, tls_error_text());
    if (SSL_CTX_check_private_key(ctx) != 1)
        return no(why, size, key, "does not belong to the certificate");
    note_expiry(c, ctx);
    return true;
}

/* --- Trust */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool trust(SSL_CTX *ctx, const char *ca, char *why, size_t size)
{
    if (!is_readable(ca, why, size))
        return false;
    bool ok = is_folder(ca) ? SSL_CTX_load_verify_dir(ctx, ca) : SSL_CTX_load_verify_file(ctx, ca);
    return ok || no(why, size, ca, tls_error_text());
}

/* OpenSSL's folder of hashed names is searched as needed, so it costs nothing to have; small images
 * have only a bundle, and at one of these places. */
static bool trust_system(SSL_CTX *ctx, char *why, size_t size)
{
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    const char *file = getenv(X509_get_default_cert_file_env());
    const char *folder = getenv(X509_get_default_cert_dir_env());
    bool by_default = access(file ? file : X509_get_default_cert_file(), R_OK) == 0 ||
                      access(folder ? folder : X509_get_default_cert_dir(), R_OK) == 0;
    if (by_default)
        return SSL_CTX_set_default_verify_paths(ctx) == 1 ||
               no(why, size, "system certificates", tls_error_text());
    for (size_t i = 0; i < ARRAY_LEN(bundles); i++)
        if (access(bundles[i], R_OK) == 0)
            return trust(ctx, bundles[i], why, size);
    return no(why, size, "system certificates",
              "none found: install ca-certificates, or name a file in tls.ca");
}

/* --- ALPN */

static bool set_alpn(struct tls_context *c, const char *names, char *why, size_t size)
{
    str rest = str_from_c(names);
    while (!str_is_null(rest)) {
        str name = str_trim(str_split(&rest, ','));
        if (name.len == 0 || c->alpn_len + 1 + name.len > ALPN_MAX)
            return no(why, size, names, "not a list of protocols");
        c->alpn[c->alpn_len] = (unsigned char)name.len;
        memcpy(c->alpn + c->alpn_len + 1, name.ptr, name.len);
        c->alpn_len += 1 + (unsigned)name.len;
    }
    return true;
}

/* RFC 7301 §3.2: nothing in common is fatal, which also stops cross-protocol attacks. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *theirs, unsigned theirs_len, void *arg)
{
    struct tls_context *c = arg;
    (void)ssl;
    int rc = SSL_select_next_proto((unsigned char **)out, out_len, c->alpn, c->alpn_len, theirs,
                                   theirs_len);
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- SNI */

static int choose_certificate(SSL *ssl, int *alert, void *arg)
{
    struct tls_context *c = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (unsigned i = 0; name && i < c->count; i++) {
        X509 *x = SSL_CTX_get0_certificate(c->ctx[i]);
        if (X509_check_host(x, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
            return SSL_set_SSL_CTX(ssl, c->ctx[i]) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK; /* the first certificate is for names we do not know */
}

/* --- The client's sessions */

static struct tls_host *find_host(struct tls_context *c, str name, uint16_t port)
{
    for (struct tls_host *h = c->hosts; h; h = h->next)
        if (h->port == port && str_ieq(str_make(h->name, h->len), name))
            return h;
    if (c->hosts_count == HOSTS_MAX)
        return NULL;
    struct tls_host *h = calloc(1, sizeof(*h) + name.len);
    if (!h)
        return NULL;
    h->port = port;
    h->len = name.len;
    memcpy(h->name, name.ptr, name.len);
    h->next = c->hosts;
    c->hosts = h;
    c->hosts_count++;
    return h;
}

/* The newest.  TLS 1.3 tickets are for one use (RFC 8446 C.4), older sessions for many. */
static SSL_SESSION *take_session(struct tls_host *h)
{
    if (h->count == 0)
        return NULL;
    SSL_SESSION *s = h->sessions[h->count - 1];
    if (SSL_SESSION_get_protocol_version(s) == TLS1_3_VERSION)
        h->count--;
    else
        SSL_SESSION_up_ref(s);
    return s;
}

void tls_context_resume(struct tls_context *c, SSL *ssl, str host, uint16_t port)
{
    pthread_mutex_lock(&c->lock);
    struct tls_host *h = find_host(c, host, port);
    SSL_SESSION *s = h ? take_session(h) : NULL;
    pthread_mutex_unlock(&c->lock);
    SSL_set_app_data(ssl, h);
    if (s) {
        SSL_set_session(ssl, s);
        SSL_SESSION_free(s);
    }
}

/* Returns 1: the session is ours now. */
static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct tls_host *h = SSL_get_app_data(ssl);
    if (!h)
        return 0;
    pthread_mutex_lock(&c->lock);
    if (h->count == SESSIONS_MAX) {
        SSL_SESSION_free(h->sessions[0]);
        memmove(h->sessions, h->sessions + 1, --h->count * sizeof(h->sessions[0]));
    }
    h->sessions[h->count++] = s;
    pthread_mutex_unlock(&c->lock);
    return 1;
}

static void free_hosts(struct tls_context *c)
{
    while (c->hosts) {
        struct tls_host *h = c->hosts;
        c->hosts = h->next;
        while (h->count)
            SSL_SESSION_free(h->sessions[--h->count]);
        free(h);
    }
}

/* --- Making contexts */

static struct tls_context *context_new(bool server, unsigned count)
{
    struct tls_context *c = calloc(1, sizeof(*c));
    SSL_CTX **ctx = calloc(count, sizeof(*ctx));
    if (!c || !ctx) {
        free(c);
        free(ctx);
        return NULL;
    }
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    c->server = server;
    c->ctx = ctx;
    return c;
}

static SSL_CTX *ctx_new(struct tls_context *c, int min_version)
{
    SSL_CTX *ctx = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());
    if (!ctx)
        return NULL;
    c->ctx[c->count++] = ctx;
    SSL_CTX_set_app_data(ctx, c);
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Idle connections keep no record buffers (2 × 16 KiB). */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    bool ok = SSL_CTX_set_min_proto_version(ctx, min_version ? min_version : TLS1_2_VERSION) == 1 &&
              SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
              SSL_CTX_set_max_send_fragment(ctx, TLS_RECORD_MAX) == 1;
    return ok ? ctx : NULL;
}

static bool ask_client(SSL_CTX *ctx, const struct tls_server_options *o, char *why, size_t size)
{
    if (o->client_auth == TLS_AUTH_NONE)
        return true;
    if (!o->client_ca)
        return no(why, size, "client_ca", "needed to check the certificates of clients");
    if (!trust(ctx, o->client_ca, why, size))
        return false;
    STACK_OF(X509_NAME) *names =
        is_folder(o->client_ca) ? NULL : SSL_load_client_CA_file(o->client_ca);
    if (names)
        SSL_CTX_set_client_CA_list(ctx, names);
    bool required = o->client_auth == TLS_AUTH_REQUIRED;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       NULL);
    return true;
}

static bool server_ctx(struct tls_context *c, const struct tls_server_options *o,
                       const struct tls_certificate *certificate, char *why, size_t size)
{
    static const unsigned char scope[] = "llm-gateway";
    SSL_CTX *ctx = ctx_new(c, o->min_version);
    if (!ctx)
        return no(why, size, "tls", tls_error_text());
    if (!use_certificate(c, ctx, certificate->certificate, certificate->key, why, size) ||
        !ask_client(ctx, o, why, size))
        return false;
    /* Ticket keys are the first SSL_CTX's own, made at random: they go with the context. */
    SSL_CTX_set_session_id_context(ctx, scope, sizeof(scope) - 1);
    SSL_CTX_sess_set_cache_size(ctx, SERVER_SESSIONS);
    SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(ctx, c);
    if (c->alpn_len)
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, c);
    return true;
}

struct tls_context *tls_server_context(const struct tls_server_options *o, char *why, size_t size)
{
    if (o->count == 0) {
        no(why, size, "tls", "no certificate");
        return NULL;
    }
    struct tls_context *c = context_new(true, o->count);
    bool ok = c || no(why, size, "tls", "out of memory");
    ok = ok && (!o->alpn || set_alpn(c, o->alpn, why, size));
    for (unsigned i = 0; ok && i < o->count; i++)
        ok = server_ctx(c, o, &o->certificates[i], why, size);
    if (ok)
        return c;
    tls_context_unref(c);
    return NULL;
}

static bool client_ctx(struct tls_context *c, const struct tls_client_options *o, char *why,
                       size_t size)
{
    SSL_CTX *ctx = ctx_new(c, o->min_version);
    if (!ctx)
        return no(why, size, "tls", tls_error_text());
    if ((o->certificate || o->key) && !use_certificate(c, ctx, o->certificate, o->key, why, size))
        return false;
    if (o->verify && !(o->ca ? trust(ctx, o->ca, why, size) : trust_system(ctx, why, size)))
        return false;
    SSL_CTX_set_verify(ctx, o->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    if (!o->alpn)
        return true;
    return set_alpn(c, o->alpn, why, size) &&
           (SSL_CTX_set_alpn_protos(ctx, c->alpn, c->alpn_len) == 0 ||
            no(why, size, o->alpn, tls_error_text()));
}

struct tls_context *tls_client_context(const struct tls_client_options *o, char *why, size_t size)
{
    struct tls_context *c = context_new(false, 1);
    if (!c) {
        no(why, size, "tls", "out of memory");
        return NULL;
    }
    if (client_ctx(c, o, why, size))
        return c;
    tls_context_unref(c);
    return NULL;
}

/* relaxed: who refs has a reference already, so the count cannot fall to 0 meanwhile. */
struct tls_context *tls_context_ref(struct tls_context *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

/* acq_rel: what others did with the context before they let go happens before the free. */
void tls_context_unref(struct tls_context *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    free_hosts(c);
    for (unsigned i = 0; i < c->count; i++)
        SSL_CTX_free(c->ctx[i]);
    pthread_mutex_destroy(&c->lock);
    free(c->ctx);
    free(c);
}

int64_t tls_context_expiry(const struct tls_context *c)
{
    return c->expiry;
}

SSL *tls_context_connection(struct tls_context *c)
{
    return SSL_new(c->ctx[0]);
}

bool tls_context_is_server(const struct tls_context *c)
{
    return c->server;
}
