/*
 * What the files of Gemini's dialect share (generateContent, Developer API and Vertex AI).
 *
 *   gemini.c                 the table; what passes by on the same format
 *   gemini_error.c           errors of all kinds, status names
 *   gemini_names.c           names of members in both spellings, usage, reasons
 *   gemini_write_*.c         provider's half: the request
 *   gemini_read_answer.c     provider's half: its answer
 *   gemini_read_request.c, gemini_read_contents.c, gemini_read_config.c   client's half: the request
 *   gemini_write_answer.c, gemini_shapes.c   client's half: the answer
 */
#ifndef LLM_DIALECT_GEMINI_IMPL_H
#define LLM_DIALECT_GEMINI_IMPL_H

#include "llm/dialect.h"

/* --- Names: proto JSON takes lowerCamelCase and snake_case (gemini_names.c) -------------------- */

enum { GEMINI_NAME_MAX = 64 };

/* The member's name in lowerCamelCase, as far as it fits; in `to` unless it is so already. */
str gemini_name(const struct json_doc *doc, uint32_t name, char to[GEMINI_NAME_MAX]);

/* The value of the first member so named (lowerCamelCase) in either spelling, or JSON_NONE. */
uint32_t gemini_member(const struct json_doc *doc, uint32_t object, str name);

void gemini_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out);

enum finish gemini_finish(str reason, bool call_seen);
const char *gemini_reason(enum finish finish);

/* --- Errors (gemini_error.c) ------------------------------------------------------------------- */

/* "RESOURCE_EXHAUSTED" for 429. */
const char *gemini_status_name(int status);
void gemini_read_error(str body, struct arena *a, struct provider_fault *out);
/* What an error object of a stream, or of an answer, means. */
/* What an answer of this status means; also for provider/gemini.c. */
enum err gemini_meaning(int status, str body);
enum err gemini_error_err(const struct json_doc *doc, uint32_t error);
void gemini_fault_of(const struct json_doc *doc, uint32_t error, struct arena *a,
                     struct provider_fault *out);
void gemini_write_failure(struct buf *out, const struct stream_failure *f);
void gemini_write_error(struct buf *out, const struct client_error *e);
int gemini_client_status(enum err err, int status);
/* {"error": …} or [{"error": …}]: the error object, or JSON_NONE. */
uint32_t gemini_error_node(const struct json_doc *doc);

/* --- The request to a provider ------------------------------------------------------------------- */

struct gemini_writer {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *report;
    struct arena *arena;
    struct json_write w;
    bool vertex;
    bool third; /* Gemini 3 and later: ids and signatures on calls, media in results */
    bool content_open;
    unsigned contents;
    bool no_memory;
};

bool gemini_write_request(const struct chat *c, struct chat_target *t, struct buf *out);

void gemini_write_contents(struct gemini_writer *g);
void gemini_write_tools(struct gemini_writer *g);
void gemini_write_config(struct gemini_writer *g);
/* labels, serviceTier, store, and what of the client's extras Gemini has. */
void gemini_write_rest(struct gemini_writer *g);

/* What structured output becomes beside tools. */
enum gemini_json_way { GEMINI_JSON_NONE, GEMINI_JSON_NATIVE, GEMINI_JSON_TOOL, GEMINI_JSON_WORDS };
enum gemini_json_way gemini_json_way(const struct gemini_writer *g);

/* Writes the member `json_key` or `openapi_key` with the schema, by what the model takes, and reports
 * keywords that it does not. */
void gemini_write_schema(struct gemini_writer *g, str json_key, str openapi_key, str schema,
                         str field);

/* --- The others ---------------------------------------------------------------------------------- */

/* Of their states, checked where these are. */
enum { GEMINI_READER_SIZE = 160, GEMINI_WRITER_SIZE = 256 };
/* A call whose arguments came in pieces with their paths (Vertex): put together (gemini_partial.c). */
struct gemini_partial;
struct gemini_partial *gemini_partial_new(struct arena *a);
/* Takes the elements of `partialArgs`; false: no memory. */
bool gemini_partial_add(struct gemini_partial *p, const struct json_doc *doc, uint32_t list);
/* Appends the object. */
void gemini_partial_write(const struct gemini_partial *p, struct buf *out);

/* What a candidate says of its sources, as events (gemini_citations.c).  ascii: all text so far was,
 * so that bytes are characters. */
void gemini_read_citations(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate,
                           unsigned choice, bool ascii);
void gemini_read_logprobs(struct answer_reader *r, const struct json_doc *doc, uint32_t candidate,
                          unsigned choice);

void gemini_read_unit(struct answer_reader *r, str name, str data);
void gemini_read_end(struct answer_reader *r);
void gemini_read_answer(struct answer_reader *r, str body);

enum err gemini_read_request(struct chat_source *in, struct chat *out);

void gemini_write_event(struct answer_writer *w, const struct chat_event *ev);
void gemini_write_answer(struct answer_writer *w, const struct chat_answer *a);

#endif
