#include "wire/head.h"

#include "wire/bytes.h"

/* Names are compared as words: HEADER_NAME_PADDING bytes, zeros behind the name. */
enum { NAME_WORDS = HEADER_NAME_PADDING / sizeof(uint64_t) };

union padded_name {
    char text[HEADER_NAME_PADDING];
    uint64_t words[NAME_WORDS];
};

static const str header_texts[HEADER_NAME_COUNT] = {
    [HEADER_OTHER] = STR_INIT(""),
#define HEADER(symbol, text) [HEADER_##symbol] = STR_INIT(text),
#include "wire/head.def"
#undef HEADER
};

static const union padded_name header_names[HEADER_NAME_COUNT] = {
    [HEADER_OTHER] = {.text = ""},
#define HEADER(symbol, text_) [HEADER_##symbol] = {.text = text_},
#include "wire/head.def"
#undef HEADER
};

/* Open hashing over the known names, filled before main() and only read after. */
enum { SLOTS = 256 };
static uint8_t slots[SLOTS];

static unsigned slot_of(const union padded_name *name, size_t len)
{
    uint64_t mixed = (name->words[0] ^ name->words[1] * 31 ^ len) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(mixed >> 56);
}

__attribute__((constructor)) static void fill_slots(void)
{
    for (unsigned id = 1; id < HEADER_NAME_COUNT; id++) {
        unsigned slot = slot_of(&header_names[id], header_texts[id].len);
        while (slots[slot])
            slot = (slot + 1) % SLOTS;
        slots[slot] = (uint8_t)id;
    }
}

/* Token characters (RFC 9110 section 5.6.2). */
static const bool is_token[256] = {
    ['!'] = true,         ['#' ... '\''] = true, ['*' ... '+'] = true,
    ['-' ... '.'] = true, ['0' ... '9'] = true,  ['A' ... 'Z'] = true,
    ['^' ... 'z'] = true, ['|'] = true,          ['~'] = true,
};

bool header_name_valid(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token[(unsigned char)name.ptr[i]])
            return false;
    return name.len > 0;
}

bool header_value_valid(str value)
{
    return bytes_find_control(value.ptr, 0, value.len) == value.len;
}

/* 0xff in the first n bytes of word i of a name. */
static uint64_t word_mask(size_t len, size_t i)
{
    static const unsigned char ones[2 * HEADER_NAME_PADDING] = {[0 ... HEADER_NAME_PADDING - 1] =
                                                                    0xff};
    uint64_t mask;
    memcpy(&mask, ones + HEADER_NAME_PADDING - len + i * sizeof(mask), sizeof(mask));
    return mask;
}

static bool names_equal(const union padded_name *a, const union padded_name *b)
{
    uint64_t difference = 0;
    for (unsigned i = 0; i < NAME_WORDS; i++)
        difference |= a->words[i] ^ b->words[i];
    return difference == 0;
}

/* In a token, bit 0x20 makes upper case lower and nothing else a byte of a known name. */
enum header_name header_name_from_padded(const char *name, size_t len)
{
    if (len > HEADER_NAME_PADDING)
        return HEADER_OTHER;
    union padded_name lower;
    memcpy(lower.text, name, sizeof(lower));
    for (unsigned i = 0; i < NAME_WORDS; i++)
        lower.words[i] = (lower.words[i] | UINT64_C(0x2020202020202020)) & word_mask(len, i);
    for (unsigned slot = slot_of(&lower, len); slots[slot]; slot = (slot + 1) % SLOTS)
        if (names_equal(&lower, &header_names[slots[slot]]))
            return (enum header_name)slots[slot];
    return HEADER_OTHER;
}

enum header_name header_name_from(str name)
{
    char padded[HEADER_NAME_PADDING] = {0};
    if (name.len > sizeof(padded) || !header_name_valid(name))
        return HEADER_OTHER;
    memcpy(padded, name.ptr, name.len);
    return header_name_from_padded(padded, name.len);
}

/* Eight bytes at once: bit 0x20 is set where a byte is 'A'..'Z'. */
static uint64_t word_lower(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t low = w & ~tops;
    uint64_t from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x80 - 'Z' - 1);
    return w | ((from_a & ~behind_z & ~w & tops) >> 2);
}

void header_name_lower_padded(char *name, size_t len)
{
    for (; len > sizeof(uint64_t); name += sizeof(uint64_t), len -= sizeof(uint64_t)) {
        uint64_t w;
        memcpy(&w, name, sizeof(w));
        w = word_lower(w);
        memcpy(name, &w, sizeof(w));
    }
    uint64_t w, mask = word_mask(len, 0);
    memcpy(&w, name, sizeof(w));
    w = (word_lower(w) & mask) | (w & ~mask);
    memcpy(name, &w, sizeof(w));
}

str header_name_text(enum header_name id)
{
    CHECK((unsigned)id < HEADER_NAME_COUNT);
    return header_texts[id];
}

str head_get(const struct headers *h, str name)
{
    enum header_name id = header_name_from(name);
    if (id != HEADER_OTHER)
        return head_known(h, id);
    for (unsigned i = 0; i < h->count; i++)
        if (str_ieq(h->list[i].name, name))
            return h->list[i].value;
    return STR_NULL;
}

unsigned head_count(const struct headers *h, str name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < h->count; i++)
        count += str_ieq(h->list[i].name, name);
    return count;
}

const struct header *head_next(const struct headers *h, enum header_name id, unsigned *at)
{
    unsigned i = *at;
    if (i == 0) /* those before the first one need no look */
        i = h->first[id] ? h->first[id] - 1u : h->count;
    for (; i < h->count; i++) {
        if (h->list[i].id == id) {
            *at = i + 1;
            return &h->list[i];
        }
    }
    *at = h->count;
    return NULL;
}

bool head_has_token(const struct headers *h, enum header_name id, str token)
{
    unsigned at = 0;
    const struct header *header;
    while ((header = head_next(h, id, &at))) {
        str rest = header->value;
        while (!str_is_null(rest))
            if (str_ieq(str_trim(str_split(&rest, ',')), token))
                return true;
    }
    return false;
}

bool head_reserve(struct headers *h, struct arena *arena, unsigned count)
{
    if (count <= h->cap)
        return true;
    if (count >= UINT16_MAX) /* places are kept in 16 bits */
        return false;
    struct header *grown = arena_alloc(arena, count * sizeof(*grown));
    if (!grown)
        return false;
    if (h->count)
        memcpy(grown, h->list, h->count * sizeof(*grown));
    h->list = grown;
    h->cap = count;
    return true;
}

static bool add(struct headers *h, struct arena *arena, struct header header)
{
    if (h->count == h->cap && !head_reserve(h, arena, h->cap ? h->cap * 2 : 16))
        return false;
    h->list[h->count++] = header;
    if (header.id != HEADER_OTHER && !h->first[header.id])
        h->first[header.id] = (uint16_t)h->count;
    return true;
}

bool head_add(struct headers *h, struct arena *arena, str name, str value)
{
    return add(h, arena, (struct header){name, value, header_name_from(name)});
}

bool head_add_known(struct headers *h, struct arena *arena, enum header_name id, str value)
{
    CHECK(id != HEADER_OTHER);
    return add(h, arena, (struct header){header_name_text(id), value, id});
}

bool head_add_same(struct headers *h, struct arena *arena, const struct header *from)
{
    return add(h, arena, *from);
}

bool header_is_hop_by_hop(enum header_name id)
{
    static const bool hop_by_hop[HEADER_NAME_COUNT] = {
        [HEADER_CONNECTION] = true,
        [HEADER_KEEP_ALIVE] = true,
        [HEADER_PROXY_CONNECTION] = true,
        [HEADER_PROXY_AUTHORIZATION] = true,
        [HEADER_TE] = true,
        [HEADER_TRAILER] = true,
        [HEADER_TRANSFER_ENCODING] = true,
        [HEADER_UPGRADE] = true,
    };
    return hop_by_hop[id];
}

static const str method_texts[] = {
    [METHOD_OTHER] = STR_INIT(""),        [METHOD_GET] = STR_INIT("GET"),
    [METHOD_HEAD] = STR_INIT("HEAD"),     [METHOD_POST] = STR_INIT("POST"),
    [METHOD_PUT] = STR_INIT("PUT"),       [METHOD_PATCH] = STR_INIT("PATCH"),
    [METHOD_DELETE] = STR_INIT("DELETE"), [METHOD_OPTIONS] = STR_INIT("OPTIONS"),
    [METHOD_TRACE] = STR_INIT("TRACE"),   [METHOD_CONNECT] = STR_INIT("CONNECT"),
};

enum method method_from(str text)
{
    for (unsigned i = METHOD_GET; i < ARRAY_LEN(method_texts); i++)
        if (str_eq(text, method_texts[i]))
            return (enum method)i;
    return METHOD_OTHER;
}

str method_name(enum method method)
{
    CHECK((unsigned)method < ARRAY_LEN(method_texts));
    return method_texts[method];
}

struct status_text {
    int status;
    str reason;
};

static const struct status_text status_texts[] = {
    {200, STR_INIT("OK")},
    {100, STR_INIT("Continue")},
    {101, STR_INIT("Switching Protocols")},
    {103, STR_INIT("Early Hints")},
    {201, STR_INIT("Created")},
    {202, STR_INIT("Accepted")},
    {203, STR_INIT("Non-Authoritative Information")},
    {204, STR_INIT("No Content")},
    {205, STR_INIT("Reset Content")},
    {206, STR_INIT("Partial Content")},
    {300, STR_INIT("Multiple Choices")},
    {301, STR_INIT("Moved Permanently")},
    {302, STR_INIT("Found")},
    {303, STR_INIT("See Other")},
    {304, STR_INIT("Not Modified")},
    {307, STR_INIT("Temporary Redirect")},
    {308, STR_INIT("Permanent Redirect")},
    {400, STR_INIT("Bad Request")},
    {401, STR_INIT("Unauthorized")},
    {402, STR_INIT("Payment Required")},
    {403, STR_INIT("Forbidden")},
    {404, STR_INIT("Not Found")},
    {405, STR_INIT("Method Not Allowed")},
    {406, STR_INIT("Not Acceptable")},
    {407, STR_INIT("Proxy Authentication Required")},
    {408, STR_INIT("Request Timeout")},
    {409, STR_INIT("Conflict")},
    {410, STR_INIT("Gone")},
    {411, STR_INIT("Length Required")},
    {412, STR_INIT("Precondition Failed")},
    {413, STR_INIT("Content Too Large")},
    {414, STR_INIT("URI Too Long")},
    {415, STR_INIT("Unsupported Media Type")},
    {416, STR_INIT("Range Not Satisfiable")},
    {417, STR_INIT("Expectation Failed")},
    {421, STR_INIT("Misdirected Request")},
    {422, STR_INIT("Unprocessable Content")},
    {424, STR_INIT("Failed Dependency")},
    {425, STR_INIT("Too Early")},
    {426, STR_INIT("Upgrade Required")},
    {428, STR_INIT("Precondition Required")},
    {429, STR_INIT("Too Many Requests")},
    {431, STR_INIT("Request Header Fields Too Large")},
    {451, STR_INIT("Unavailable For Legal Reasons")},
    {499, STR_INIT("Client Closed Request")},
    {500, STR_INIT("Internal Server Error")},
    {501, STR_INIT("Not Implemented")},
    {502, STR_INIT("Bad Gateway")},
    {503, STR_INIT("Service Unavailable")},
    {504, STR_INIT("Gateway Timeout")},
    {505, STR_INIT("HTTP Version Not Supported")},
    {529, STR_INIT("Site Is Overloaded")},
};

str status_reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_texts); i++)
        if (status_texts[i].status == status)
            return status_texts[i].reason;
    return STR("");
}
