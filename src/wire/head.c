#include "wire/head.h"

#include "wire/bytes.h"

enum { HEADER_NAME_LONGEST = 24 };

static const str header_texts[HEADER_NAME_COUNT] = {
    [HEADER_OTHER] = STR_INIT(""),
#define HEADER(symbol, text) [HEADER_##symbol] = STR_INIT(text),
#include "wire/head.def"
#undef HEADER
};

/* The last known name of each length: head.def is ordered by length, and later rows replace earlier
 * ones here, which is the point. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const uint8_t last_of_length[HEADER_NAME_LONGEST + 1] = {
#define HEADER(symbol, text) [sizeof(text) - 1] = HEADER_##symbol,
#include "wire/head.def"
#undef HEADER
};
#pragma GCC diagnostic pop

/* Token characters (RFC 9110 section 5.6.2), as what they become in lower case; 0: not one. */
static const char token_lower[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b',   ['c'] = 'c',
    ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i',   ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p',   ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w',   ['x'] = 'x',
    ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',   ['E'] = 'e',
    ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k',   ['L'] = 'l',
    ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',   ['S'] = 's',
    ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',   ['Z'] = 'z',
};

bool header_name_valid(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!token_lower[(unsigned char)name.ptr[i]])
            return false;
    return name.len > 0;
}

/* Without a branch per byte: names are short and nearly always valid. */
bool header_name_lower(char *name, size_t len)
{
    bool valid = len > 0;
    for (size_t i = 0; i < len; i++) {
        char lower = token_lower[(unsigned char)name[i]];
        valid &= lower != 0;
        name[i] = lower;
    }
    return valid;
}

bool header_value_valid(str value)
{
    return bytes_find_control(value.ptr, 0, value.len) == value.len;
}

enum header_name header_name_from_lower(str name)
{
    if (name.len > HEADER_NAME_LONGEST || name.len == 0)
        return HEADER_OTHER;
    for (unsigned id = last_of_length[name.len]; header_texts[id].len == name.len; id--) {
        const char *text = header_texts[id].ptr;
        if (text[0] == name.ptr[0] && memcmp(text, name.ptr, name.len) == 0)
            return (enum header_name)id;
    }
    return HEADER_OTHER;
}

enum header_name header_name_from(str name)
{
    char lower[HEADER_NAME_LONGEST];
    if (name.len > sizeof(lower) || name.len == 0)
        return HEADER_OTHER;
    memcpy(lower, name.ptr, name.len);
    if (!header_name_lower(lower, name.len))
        return HEADER_OTHER;
    return header_name_from_lower(str_make(lower, name.len));
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
