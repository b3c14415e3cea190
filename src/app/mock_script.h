/*
 * What the mock says, before it is put into a vendor's words: a list of pieces.  The same question gets
 * the same pieces in every API, so that tests can compare what comes through a gateway.
 *
 *   thinking wanted              one REASONING piece, with a signature that proves it
 *   tools wished for (x-mock-tool: N), offered, and not yet answered:  N CALL pieces
 *   else JSON wanted             one TEXT piece of JSON ({"answer": "mock", "number": 42})
 *   else                         one TEXT piece: plan's tokens
 * A TEXT or REASONING piece is streamed token by token (mock_piece_token), a CALL in two halves of its
 * arguments.
 */
#ifndef APP_MOCK_SCRIPT_H
#define APP_MOCK_SCRIPT_H

#include "app/mock_plan.h"
#include "base/arena.h"

enum { MOCK_PIECES_MAX = 10, MOCK_CALLS_MAX = 8 };

enum mock_piece_kind { MOCK_REASONING, MOCK_TEXT, MOCK_CALL };

struct mock_piece {
    enum mock_piece_kind kind;
    str text;      /* REASONING, TEXT: whole; decoded */
    str signature; /* REASONING; base64 of what mock_signature_is_good knows again */
    str id;        /* CALL: "call_mock1", … */
    str name;      /* CALL: the k-th offered tool, around again when there are fewer */
    str arguments; /* CALL: {"city": "Oslo"}, {"city": "Bergen"}, … compact JSON */
    unsigned tokens;
};

struct mock_script {
    struct mock_piece pieces[MOCK_PIECES_MAX];
    unsigned count, calls, tokens; /* tokens: output, all together */
    unsigned reasoning_tokens, input_tokens, cached_tokens, cache_write_tokens;
    bool length; /* stopped by the asked limit of tokens */
};

/* What a question looks like, whatever its format. */
struct mock_facts {
    const str *tools; /* offered names */
    unsigned tool_count;
    bool answered; /* the last turn has a tool's result */
    bool json;     /* structured output is wanted */
    bool thinking;
    uint64_t max_tokens; /* 0: no limit */
    uint64_t bytes;      /* of the request: input tokens are bytes / 4 */
    bool cached;         /* a cache mark is there: 100 written, or with x-mock-cache: hit, read */
};

void mock_script_make(struct mock_script *s, const struct mock_plan *p, const struct mock_facts *f,
                      struct arena *a);

/* Token i of a TEXT or REASONING piece (0 … tokens - 1): their concatenation is its text. */
str mock_piece_token(const struct mock_piece *p, unsigned i);

/* Whether a signature that came back is one of ours, unchanged, for this text (text null: any). */
bool mock_signature_is_good(str signature, str text);

#endif
