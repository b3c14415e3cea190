#include "app/option_tables/kinds.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>

#include <openssl/sha.h>
#include <openssl/tls1.h>

#include "llm/endpoint_kind.h"
#include "proxy/gateway_conf.h"
#include "wire/date.h"
#include "wire/url.h"

/* --- Addresses. */

static const char *address_read(str text, void *field, struct arena *a)
{
    struct listen_conf *l = field;
    if (address_parse(&l->address, text) != ERR_NONE)
        return "";
    l->text = arena_str(a, text);
    return l->text.ptr ? NULL : "out of memory";
}

static void address_write(const void *field, struct buf *out)
{
    buf_add_str(out, ((const struct listen_conf *)field)->text);
}

const struct option_kind kind_address = {
    .what = "an address such as 127.0.0.1:8080, [::]:8443, :8080 or unix:/run/llm-gateway.sock",
    .size = sizeof(struct listen_conf),
    .parse = address_read,
    .format = address_write,
};

/* --- Workers. */

enum { WORKERS_MAX = 1024 };

static const char *workers_read(str text, void *field, struct arena *a)
{
    (void)a;
    unsigned *workers = field;
    uint64_t n;
    if (str_eq(text, STR("auto"))) {
        cpu_set_t set;
        *workers = sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
        return NULL;
    }
    if (!str_to_u64(text, &n) || n < 1 || n > WORKERS_MAX)
        return "";
    *workers = (unsigned)n;
    return NULL;
}

static void workers_write(const void *field, struct buf *out)
{
    buf_add_u64(out, *(const unsigned *)field);
}

const struct option_kind kind_workers = {
    .what = "auto or a number from 1 to 1024",
    .size = sizeof(unsigned),
    .parse = workers_read,
    .format = workers_write,
};

/* --- Networks. */

static bool ip_parse(str text, uint8_t out[16], unsigned *bits)
{
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    memset(out, 0, 16);
    *bits = 128;
    if (inet_pton(AF_INET6, copy, out) == 1)
        return true;
    *bits = 32;
    out[10] = out[11] = 0xff;
    return inet_pton(AF_INET, copy, out + 12) == 1;
}

/* Bits behind the prefix must be zero: 10.0.0.1/8 is more likely a mistake than a network. */
static bool host_bits_are_zero(const uint8_t address[16], unsigned prefix)
{
    for (unsigned i = prefix; i < 128; i++)
        if (address[i / 8] & (0x80 >> i % 8))
            return false;
    return true;
}

static const char *network_read(str text, void *field, struct arena *a)
{
    (void)a;
    struct network_conf *n = field;
    str rest = text;
    str ip = str_split(&rest, '/');
    unsigned bits;
    if (!ip_parse(ip, n->address, &bits))
        return "";
    uint64_t prefix = bits;
    if (!str_is_null(rest) && (!str_to_u64(rest, &prefix) || prefix > bits))
        return "";
    n->bits = (uint8_t)(prefix + 128 - bits);
    return host_bits_are_zero(n->address, n->bits) ? NULL : "has bits set behind its prefix";
}

static void network_write(const void *field, struct buf *out)
{
    const struct network_conf *n = field;
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool v4 = n->bits >= 96 && memcmp(n->address, v4_mapped, sizeof(v4_mapped)) == 0;
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(v4 ? AF_INET : AF_INET6, n->address + (v4 ? 12 : 0), text, sizeof(text)))
        buf_printf(out, "%s/%u", text, v4 ? n->bits - 96u : n->bits);
}

const struct option_kind kind_network = {
    .what = "a network such as 10.0.0.0/8, 192.0.2.7 or fd00::/8",
    .size = sizeof(struct network_conf),
    .parse = network_read,
    .format = network_write,
};

/* --- TLS versions. */

static const char *tls_version_read(str text, void *field, struct arena *a)
{
    (void)a;
    unsigned *version = field;
    if (str_eq(text, STR("1.2")))
        *version = TLS1_2_VERSION;
    else if (str_eq(text, STR("1.3")))
        *version = TLS1_3_VERSION;
    else
        return "";
    return NULL;
}

static void tls_version_write(const void *field, struct buf *out)
{
    if (*(const unsigned *)field == TLS1_3_VERSION)
        buf_add_lit(out, "1.3");
    else
        buf_add_lit(out, "1.2");
}

const struct option_kind kind_tls_version = {
    .what = "1.2 or 1.3",
    .size = sizeof(unsigned),
    .parse = tls_version_read,
    .format = tls_version_write,
};

/* --- Secrets. */

static bool is_visible(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return text.len > 0;
}

/* Secrets that were copied from a manual and never changed. */
static bool is_placeholder(str text)
{
    static const char *const words[] = {
        "changeme",   "change-me",  "change_me",    "replaceme", "replace-me",
        "replace_me", "example",    "placeholder",  "your-key",  "your_key",
        "yourkey",    "your-token", "your-api",     "your_api",  "insert-",
        "sk-gw-xxx",  "sk-gw-...",  "secret-token", "password",  "1234567890123456"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        for (size_t at = 0; at + strlen(words[i]) <= text.len; at++)
            if (str_istarts(str_from(text, at), str_from_c(words[i])))
                return true;
    for (size_t i = 1; i < text.len; i++)
        if (text.ptr[i] != text.ptr[0])
            return false;
    return true;
}

const char *check_secret(str value)
{
    return is_visible(value) ? NULL : "must be visible ASCII characters without blanks";
}

const char *check_no_placeholder(str value)
{
    return is_placeholder(value) ? "is a placeholder, not a secret" : NULL;
}

enum { OWN_SECRET_MIN = 16 };

const char *check_own_secret(str value)
{
    if (value.len < OWN_SECRET_MIN)
        return "must be at least 16 characters long";
    if (!is_visible(value))
        return "must be visible ASCII characters without blanks";
    return check_no_placeholder(value);
}

static const char *key_read(str text, void *field, struct arena *a)
{
    (void)a;
    const char *wrong = check_own_secret(text);
    if (!wrong)
        SHA256((const unsigned char *)text.ptr, text.len, field);
    return wrong;
}

static void hash_write(const void *field, struct buf *out)
{
    const uint8_t *hash = field;
    for (unsigned i = 0; i < SHA256_DIGEST_LENGTH; i++)
        buf_printf(out, "%02x", hash[i]);
}

const struct option_kind kind_key = {
    .what = "a secret of at least 16 characters",
    .size = SHA256_DIGEST_LENGTH,
    .parse = key_read,
    .format = hash_write,
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static const char *hash_read(str text, void *field, struct arena *a)
{
    (void)a;
    uint8_t *hash = field;
    if (text.len != (size_t)2 * SHA256_DIGEST_LENGTH)
        return "";
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        int high = hex_digit(text.ptr[2 * i]), low = hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return "";
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return NULL;
}

const struct option_kind kind_sha256 = {
    .what = "a SHA-256 of 64 hexadecimal digits",
    .size = SHA256_DIGEST_LENGTH,
    .parse = hash_read,
    .format = hash_write,
};

/* --- Dates. */

static const char *date_read(str text, void *field, struct arena *a)
{
    int64_t ms;
    str full = text.len == 10 ? arena_printf(a, "%.*sT00:00:00Z", STR_ARG(text)) : text;
    if (!date_rfc3339_parse(full, &ms))
        return "";
    *(int64_t *)field = ms / 1000;
    return NULL;
}

static void date_write(const void *field, struct buf *out)
{
    char text[DATE_RFC3339_LEN];
    int64_t seconds = *(const int64_t *)field;
    str date = date_rfc3339(text, seconds * 1000);
    if (seconds)
        buf_printf(out, "%.*sZ", STR_ARG(str_first(date, date.len - 5)));
}

const struct option_kind kind_date = {
    .what = "a date such as 2027-01-31 or 2027-01-31T12:00:00Z",
    .size = sizeof(int64_t),
    .parse = date_read,
    .format = date_write,
};

/* --- Texts. */

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Fields that framing, routing or the pool decides; RFC 9110 section 7.6.1 and our own. */
static const char *const header_names_ours[] = {
    "host",       "content-length", "transfer-encoding", "connection",
    "keep-alive", "upgrade",        "proxy-connection",  "te",
    "trailer",    "expect"};

const char *check_header_name(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_char(name.ptr[i]))
            return "is not the name of an HTTP header";
    for (size_t i = 0; i < ARRAY_LEN(header_names_ours); i++)
        if (str_ieq(name, str_from_c(header_names_ours[i])))
            return "is a header that the gateway sets itself";
    return name.len ? NULL : "must not be empty";
}

const char *check_header_value(str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return "holds characters that no HTTP header may have";
    }
    return NULL;
}

const char *check_endpoint_glob(str value)
{
    for (unsigned i = 0; i < ENDPOINT_KIND_COUNT; i++)
        if (str_glob(value, endpoint_facts((enum endpoint_kind)i)->name))
            return NULL;
    return "is no endpoint: they are called chat, embeddings, responses, audio_speech, …";
}

enum { NAME_MAX_BYTES = 128, MODEL_NAME_MAX_BYTES = 256 };

const char *check_name(str name)
{
    if (name.len > NAME_MAX_BYTES)
        return "is longer than 128 bytes";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_token_char(c) || strchr("!#$%&'*^`|", c))
            return "may hold letters, digits and - _ . + ~ only";
    }
    return name.len ? NULL : "must not be empty";
}

const char *check_model_name(str name)
{
    if (name.len == 0 || name.len > MODEL_NAME_MAX_BYTES)
        return "must have 1 to 256 bytes";
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] <= ' ' || name.ptr[i] == 0x7f)
            return "must not hold blanks or control characters";
    return NULL;
}

const char *check_region(str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return "must be a region such as us-east-1";
    }
    return value.len >= 1 && value.len <= 32 ? NULL : "must be a region such as us-east-1";
}

const char *check_path_segment(str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c <= ' ' || c >= 0x7f || strchr("/?#%", c))
            return "must be a plain name: it becomes a part of a path";
    }
    return str_eq(value, STR(".")) || str_eq(value, STR("..")) ? "must be a name" : NULL;
}

const char *check_secure_url(str value)
{
    struct url url;
    const char *wrong = url_parse(value, &url);
    if (wrong)
        return wrong;
    bool near = str_eq(url.host, STR("localhost")) || str_starts(url.host, STR("127.")) ||
                str_eq(url.host, STR("::1"));
    return url.scheme == URL_HTTPS || (url.scheme == URL_HTTP && near)
               ? NULL
               : "must be https: a secret is sent there";
}

const char *check_origin(str value)
{
    if (str_eq(value, STR("*")) || str_eq(value, STR("null")))
        return NULL;
    ptrdiff_t at = str_find(value, STR("://"));
    str host = at > 0 ? str_from(value, (size_t)at + 3) : STR_NULL;
    return host.len && str_find_byte(host, '/') < 0
               ? NULL
               : "must be * or an origin such as https://app.example.com, without a path";
}
