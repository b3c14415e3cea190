/*
 * Embeddings: what a client asks to have turned into vectors, in no vendor's words, and the answer.
 * The formats (one per endpoint kind) are tables, as dialects are for chats:
 *
 *   the client's:    read_request  → struct embedding_request;  struct embedding_answer → write_answer
 *   the provider's:  embedding_calls() cuts the request into calls that the target takes;
 *                    write_request for each;  read_answer of each, in any order, fills the answer;
 *                    complete when embedding_answer_complete().
 *
 * Errors have the shape of the dialect (dialect_of(kind)->read_error, write_error).
 *
 * Texts of inputs are raw, numbers and vectors are JSON text as received: a vector goes from one body to
 * the other without being looked at, unless it has to become base64 or come from it.  Everything lives in
 * the request's arena or points into the bodies, which must outlive it.
 */
#ifndef LLM_EMBEDDING_H
#define LLM_EMBEDDING_H

#include "llm/dialect.h"

/* What the vectors are for: Gemini's taskType, Cohere's input_type. */
enum embedding_task {
    TASK_UNSET,
    TASK_QUERY,
    TASK_DOCUMENT,
    TASK_SIMILARITY,
    TASK_CLASSIFICATION,
    TASK_CLUSTERING,
    TASK_QUESTION,
    TASK_FACT,
    TASK_CODE_QUERY,
};

struct embedding_input {
    struct raw text; /* absent: tokens, or content that is more than text */
    str tokens;      /* JSON array of token ids; null: none */
    str content;     /* Gemini's whole content as JSON, when a Gemini client sent it; null */
    str field;       /* of the client: "input[3]", "requests[0].content" */
    enum embedding_task task;
    struct raw title; /* of the document; may be absent */
    str dimensions;   /* number as text; null: the model's own */
};

enum { EMBEDDING_INPUTS_MAX = 2048 };

struct embedding_request {
    struct arena *arena;
    str model; /* as the client named it */
    struct embedding_input *inputs;
    unsigned count; /* at least one */
    bool one;       /* a single text, not a list of one */
    bool base64;    /* vectors are wanted as base64 of little-endian floats */
    str user;
    struct extra *extras; /* fields without a place here, for unsupported_* and for writers */
    enum native_format dialect;
};

/* A vector as its provider gave it: one of the two. */
struct embedding_vector {
    str json;   /* array of numbers */
    str base64; /* of little-endian float32, whole numbers of them */
};

struct embedding_answer {
    struct arena *arena;
    struct embedding_vector *vectors; /* by the number of the input */
    unsigned count;
    struct usage usage; /* sum of all calls; not known when one of them did not say */
    unsigned calls;     /* answers read so far */
    str model;          /* the provider's; null: not said */
};

/* Inputs first … first + count - 1 of a request in one call. */
struct embedding_call {
    unsigned first, count;
};

struct embedding_format {
    const char *name;

    /* The client's half; NULL: no client speaks it.  out->arena is given, the rest zeroed.  Faults as
     * chat_source says. */
    enum err (*read_request)(struct chat_source *in, struct embedding_request *out);
    /* model: that the answer names. */
    void (*write_answer)(const struct embedding_request *r, const struct embedding_answer *a,
                         str model, struct buf *out);

    /* The provider's half.  Inputs that one call may have; all of them have the same task, title and
     * dimensions, unless `mixed`. */
    unsigned (*call_max)(const struct chat_target *t);
    bool mixed;
    /* The body of one call; false: no memory, or t->unsupported->fault is set. */
    bool (*write_request)(const struct embedding_request *r, const struct embedding_call *call,
                          struct chat_target *t, struct buf *out);
    /* A whole answer (2xx) to `call` into `out`; headers: of the answer, for usage that is there (may be
     * NULL).  ERR_UPSTREAM_MALFORMED: not readable, or another number of vectors than was asked. */
    enum err (*read_answer)(str body, const struct headers *headers,
                            const struct embedding_call *call, const struct chat_target *t,
                            struct embedding_answer *out);
};

/* The format of an endpoint (embedding.def); NULL: it makes no embeddings. */
const struct embedding_format *embedding_format_of(enum endpoint_kind kind);

/* How a request has to be asked: as few calls as the format and its model allow, in order.  False: no
 * memory. */
bool embedding_calls(const struct embedding_format *f, const struct embedding_request *r,
                     const struct chat_target *t, struct embedding_call **calls, unsigned *count);

/* False: no memory. */
bool embedding_answer_init(struct embedding_answer *out, const struct embedding_request *r,
                           struct arena *a);
bool embedding_answer_complete(const struct embedding_answer *a);

/* --- For readers and writers ------------------------------------------------------------------- */

/* Makes room for n inputs (zeroed), n at least 1; false: no memory. */
bool embedding_request_init(struct embedding_request *r, struct chat_source *in, struct arena *a,
                            unsigned n);
bool embedding_add_extra(struct embedding_request *r, enum native_format format, str name, str json,
                         enum field_class class);
/* The extra of this name, whatever its format; or NULL. */
const struct extra *embedding_extra(const struct embedding_request *r, str name);
/* What a target has a place for. */
enum embedding_place {
    PLACE_TASK = 1,
    PLACE_TITLE = 2,
    PLACE_DIMENSIONS = 4,
};

/* Reports what the inputs of the call have and the target has no place for (`places`: bits), and all
 * extras but those of `taken`. */
void embedding_report(const struct embedding_request *r, const struct embedding_call *call,
                      struct unsupported *u, unsigned places, const str *taken, unsigned n);
/* Token ids and content with more than text are refused; true: all inputs of the call are texts. */
bool embedding_texts_only(const struct embedding_request *r, const struct embedding_call *call,
                          struct unsupported *u, const char *who);

/* Puts the vector of the call's input i (0 …); false: there is no such input, it was there already, or
 * `json` is no array of numbers. */
bool embedding_put_json(struct embedding_answer *out, const struct embedding_call *call, uint64_t i,
                        str json);
/* The same of base64 of whole floats. */
bool embedding_put_base64(struct embedding_answer *out, const struct embedding_call *call,
                          uint64_t i, str base64);
/* One call's answer is read: adds its tokens (-1: not said).  False: vectors of the call are missing. */
bool embedding_call_done(struct embedding_answer *out, const struct embedding_call *call,
                         int64_t tokens);

/* The vector as an array of numbers, or as a base64 string, whichever way it was given. */
void embedding_write_numbers(struct json_write *w, const struct embedding_vector *v);
void embedding_write_base64(struct json_write *w, const struct embedding_vector *v);

/* "RETRIEVAL_QUERY", also Cohere's "search_query"; UNSET: no task's name. */
enum embedding_task embedding_task_of(str name);
const char *embedding_task_gemini(enum embedding_task task); /* NULL: UNSET */

/* A number of tokens that is a member of `object`; -1 when it is not there or no such number. */
int64_t embedding_tokens(const struct json_doc *doc, uint32_t object, str name);

#endif
