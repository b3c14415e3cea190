#include "app/mock_script.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/digest.h"

static const char *const words[] = {"The ", "gateway ",  "relays ", "every ", "token ",   "as ",
                                    "it ",  "arrives, ", "and ",    "adds ",  "nothing ", "to ",
                                    "the ", "answer. ",  "Demo ",   "text. "};
static const char *const thoughts[] = {"Let ", "me ", "think ", "about ", "this."};
static const char *const cities[] = {"Oslo",  "Bergen", "Tromsø", "Bodø",
                                     "Molde", "Hamar",  "Alta",   "Narvik"};

enum { REASONING_TOKENS = ARRAY_LEN(thoughts), CACHED_TOKENS = 100, SIGNATURE_BYTES = 24 };

#define JSON_ANSWER "{\"answer\": \"mock\", \"number\": 42}"

/* --- Text and its tokens -------------------------------------------------------------------------- */

static str numbered_token(char room[24], unsigned i)
{
    int len = snprintf(room, 24, "tok%u ", i);
    return str_make(room, (size_t)len);
}

static str token_at(const struct mock_plan *p, unsigned i, char room[24])
{
    return p->numbered ? numbered_token(room, i) : str_from_c(words[i % ARRAY_LEN(words)]);
}

static str text_of(const struct mock_plan *p, unsigned tokens, struct arena *a)
{
    struct buf all;
    char room[24];
    buf_init(&all, 0);
    for (unsigned i = 0; i < tokens; i++)
        buf_add_str(&all, token_at(p, i, room));
    str text = arena_str(a, buf_str(&all));
    buf_release(&all);
    return text;
}

/* Where token i begins: after each space of the text but those within JSON. */
static size_t next_token(str text, size_t at)
{
    while (at < text.len && text.ptr[at] != ' ')
        at++;
    return at < text.len ? at + 1 : at;
}

str mock_piece_token(const struct mock_piece *p, unsigned i)
{
    size_t from = 0;
    for (unsigned k = 0; k < i; k++)
        from = next_token(p->text, from);
    size_t to = i + 1 == p->tokens ? p->text.len : next_token(p->text, from);
    return str_make(p->text.ptr + from, to - from);
}

static unsigned count_tokens(str text)
{
    unsigned n = 0;
    for (size_t at = 0; at < text.len; at = next_token(text, at))
        n++;
    return n;
}

/* --- Signatures ----------------------------------------------------------------------------------- */

/* The text's hash under a secret of the mock's; with text null only its own half is held against itself. */
static void proof(str text, uint8_t out[SIGNATURE_BYTES])
{
    uint8_t of_text[SHA256_BYTES], of_proof[SHA256_BYTES];
    digest_hmac_sha256(STR("mock"), text, of_text);
    memcpy(out, of_text, 12);
    digest_hmac_sha256(STR("mock's own"), str_make((const char *)out, 12), of_proof);
    memcpy(out + 12, of_proof, 12);
}

static str signature_of(str text, struct arena *a)
{
    uint8_t bytes[SIGNATURE_BYTES];
    struct buf encoded;
    proof(text, bytes);
    buf_init(&encoded, 0);
    base64_encode(&encoded, bytes, sizeof(bytes));
    str out = arena_str(a, buf_str(&encoded));
    buf_release(&encoded);
    return out;
}

bool mock_signature_is_good(str signature, str text)
{
    uint8_t wanted[SIGNATURE_BYTES], of_proof[SHA256_BYTES];
    char given[SIGNATURE_BYTES + 8];
    size_t len;
    if (base64_decoded_max(signature) > sizeof(given) || !base64_decode(signature, given, &len) ||
        len != SIGNATURE_BYTES)
        return false;
    digest_hmac_sha256(STR("mock's own"), str_make(given, 12), of_proof);
    if (memcmp(given + 12, of_proof, 12) != 0)
        return false;
    if (str_is_null(text))
        return true;
    proof(text, wanted);
    return memcmp(given, wanted, SIGNATURE_BYTES) == 0;
}

/* --- Pieces --------------------------------------------------------------------------------------- */

static struct mock_piece *add(struct mock_script *s, enum mock_piece_kind kind)
{
    struct mock_piece *p = &s->pieces[s->count++];
    *p = (struct mock_piece){.kind = kind};
    return p;
}

static void add_reasoning(struct mock_script *s, struct arena *a)
{
    struct mock_piece *p = add(s, MOCK_REASONING);
    struct buf all;
    buf_init(&all, 0);
    for (unsigned i = 0; i < REASONING_TOKENS; i++)
        buf_add_str(&all, str_from_c(thoughts[i]));
    p->text = arena_str(a, buf_str(&all));
    buf_release(&all);
    p->tokens = s->reasoning_tokens = REASONING_TOKENS;
    p->signature = signature_of(p->text, a);
}

static void add_calls(struct mock_script *s, unsigned n, const struct mock_facts *f,
                      struct arena *a)
{
    s->calls = n < MOCK_CALLS_MAX ? n : MOCK_CALLS_MAX;
    for (unsigned i = 0; i < s->calls; i++) {
        struct mock_piece *p = add(s, MOCK_CALL);
        p->id = arena_printf(a, "call_mock%u", i + 1);
        p->name = f->tools[i % f->tool_count];
        p->arguments = arena_printf(a, "{\"city\": \"%s\"}", cities[i]);
        p->tokens = 5;
        s->tokens += p->tokens;
    }
}

static void add_text(struct mock_script *s, const struct mock_plan *plan,
                     const struct mock_facts *f, struct arena *a)
{
    struct mock_piece *p = add(s, MOCK_TEXT);
    unsigned tokens = plan->o.tokens;
    if (f->json) {
        p->text = STR(JSON_ANSWER);
        p->tokens = count_tokens(p->text);
    } else {
        if (f->max_tokens && f->max_tokens < tokens) {
            tokens = (unsigned)f->max_tokens;
            s->length = true;
        }
        p->text = text_of(plan, tokens, a);
        p->tokens = tokens;
    }
    s->tokens += p->tokens;
}

void mock_script_make(struct mock_script *s, const struct mock_plan *p, const struct mock_facts *f,
                      struct arena *a)
{
    *s = (struct mock_script){.input_tokens = (unsigned)(f->bytes / 4 + 1)};
    if (f->thinking)
        add_reasoning(s, a);
    if (p->tool && f->tool_count && !f->answered)
        add_calls(s, p->tool, f, a);
    else
        add_text(s, p, f, a);
    s->tokens += s->reasoning_tokens;
    if (f->cached) {
        unsigned *bucket = p->cache_hit ? &s->cached_tokens : &s->cache_write_tokens;
        *bucket = CACHED_TOKENS;
    }
}
