#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode_three(char *to, const unsigned char *from)
{
    to[0] = alphabet[from[0] >> 2];
    to[1] = alphabet[(from[0] & 3) << 4 | from[1] >> 4];
    to[2] = alphabet[(from[1] & 15) << 2 | from[2] >> 6];
    to[3] = alphabet[from[2] & 63];
}

void base64_encode(struct buf *out, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    size_t whole = len / 3, left = len % 3;
    size_t size = (whole + (left > 0)) * 4;
    char *to = buf_reserve(out, size);
    if (!to)
        return;
    for (size_t i = 0; i < whole; i++, from += 3, to += 4)
        encode_three(to, from);
    if (left) {
        unsigned char last[3] = {from[0], left > 1 ? from[1] : 0, 0};
        encode_three(to, last);
        to[3] = '=';
        if (left == 1)
            to[2] = '=';
    }
    out->len += size;
}

/* Six bits, or 64 for a byte that is none of the alphabet's. */
static unsigned value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : 64;
}

static str without_padding(str text)
{
    if (text.len % 4 == 0)
        for (unsigned i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
            text.len--;
    return text;
}

bool base64_decode(str text, char *to, size_t *len)
{
    unsigned bits = 0, value = 0;
    char *at = to;
    text = without_padding(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned six = value_of(text.ptr[i]);
        if (six == 64)
            return false;
        value = value << 6 | six;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *at++ = (char)(value >> bits);
            value &= (1U << bits) - 1;
        }
    }
    *len = (size_t)(at - to);
    return bits < 6 && value == 0; /* a single character says nothing; rests are zero */
}
