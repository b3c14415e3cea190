/* What the files of the Responses dialect share. */
#ifndef LLM_DIALECT_OPENAI_RESPONSES_IMPL_H
#define LLM_DIALECT_OPENAI_RESPONSES_IMPL_H

#include "llm/dialect/openai_responses.h"

enum {
    RESPONSES_WRITER_SIZE = 512,
    RESPONSES_READER_SIZE = 128
}; /* of their states, checked there */

/* --- The client's half ---------------------------------------------------------------------------- */

enum err responses_read_request(struct chat_source *in, struct chat *out) must_check;
void responses_write_event(struct answer_writer *w, const struct chat_event *ev);
void responses_write_answer(struct answer_writer *w, const struct chat_answer *a);

/* A tool in a namespace is called "<namespace>__<name>" elsewhere; of `functions`, the models' own
 * default, just by its name. */
#define RESPONSES_NAMESPACE_MARK "__"
#define RESPONSES_DEFAULT_NAMESPACE "functions"

/*
 * Opaque texts of other makers travel in encrypted_content of reasoning items (llm/signature.h).  Two of
 * them are no signature of the item's own text and say so: what Anthropic calls redacted, and the
 * signature that Gemini puts on the call which follows the item.
 */
#define RESPONSES_REDACTED "redacted:"
#define RESPONSES_ON_CALL "call:"

/* A request being read (…_read_request.c), its items (…_read_items.c) and tools (…_read_tools.c). */
struct responses_reading {
    struct chat_source *in;
    const struct json_doc *doc;
    struct arena *arena;
    struct chat *chat;
    enum err err;       /* the first; in->fault has its words */
    bool leading;       /* only system text so far: it belongs to chat.system */
    str call_signature; /* for the next call; null: none */
    unsigned item;      /* the one that is read */
    bool in_output;     /* of its parts, those of `output`, not of `content` */
    uint32_t update;    /* the last configuration_update; JSON_NONE: none */
};

/* Both keep the first error only.  Always false. */
bool responses_fault(struct responses_reading *r, str field, const char *text);
bool responses_no_memory(struct responses_reading *r);
/* "input[3].content[0].type"; part -1: none; member "": none. */
str responses_path(struct responses_reading *r, int part, const char *member);

/* The decoded text of a string node; null str: it is none, or (r->err) no memory. */
str responses_decode(struct responses_reading *r, uint32_t node);
/* The member's value when it is there and not null; JSON_NONE otherwise. */
uint32_t responses_given(const struct responses_reading *r, uint32_t object, str name);
bool responses_is(const struct responses_reading *r, uint32_t node, const char *text);
bool responses_extra(struct responses_reading *r, str name, uint32_t value, enum field_class class);

bool responses_read_input(struct responses_reading *r, uint32_t input);
bool responses_read_instructions(struct responses_reading *r, uint32_t value);
/* path: "tools", or "input[2].tools", whose tools may be there already. */
bool responses_read_tools(struct responses_reading *r, uint32_t tools, str path);
/* The name under which a tool of a namespace (a node; JSON_NONE: none) is known. */
str responses_flat_name(struct responses_reading *r, uint32_t space, str name);
bool responses_read_tool_choice(struct responses_reading *r, uint32_t choice);
bool responses_read_text(struct responses_reading *r, uint32_t text);
bool responses_read_effort(struct responses_reading *r, uint32_t effort);

/* --- The provider's half --------------------------------------------------------------------------- */

bool responses_write_request(const struct chat *c, struct chat_target *t, struct buf *out);
void responses_read_unit(struct answer_reader *r, str name, str data);
void responses_read_end(struct answer_reader *r);
void responses_read_answer(struct answer_reader *r, str body);

/* A request being written (…_write_request.c) and its input (…_write_items.c). */
struct responses_writing {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *unsupported;
    struct arena *arena;
    struct json_write json;
    unsigned marks_to_skip; /* cache marks in front of the last four; all, when it takes none */
    unsigned reasoning;     /* items without an id of their own */
    bool reasons;           /* the model does */
};

bool responses_wrong(const struct responses_writing *w); /* a refusal, or no memory left */
void responses_write_input(struct responses_writing *w);
void responses_write_tools(struct responses_writing *w);
void responses_write_tool_choice(struct responses_writing *w);
/* The name as the target takes it; null str: no memory, which the buffer knows. */
str responses_tool_name(struct responses_writing *w, str name);

/* --- Errors ----------------------------------------------------------------------------------------- */

void responses_write_error(struct buf *out, const struct client_error *e);
void responses_write_failure(struct buf *out, const struct stream_failure *f);
void responses_read_error(str body, struct arena *a, struct provider_fault *out);
/* What an error inside an answer means, by its code or type. */
enum err responses_error_meaning(str code, str type);
/* Of an error object; flat: the event itself (`error` events have both forms, read member by member). */
void responses_read_fault(const struct json_doc *doc, uint32_t error, uint32_t flat,
                          struct arena *a, struct provider_fault *out);

#endif
