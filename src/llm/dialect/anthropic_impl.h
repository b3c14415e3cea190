/* What the files of the Messages dialect share. */
#ifndef LLM_DIALECT_ANTHROPIC_IMPL_H
#define LLM_DIALECT_ANTHROPIC_IMPL_H

#include "llm/dialect.h"
#include "llm/dialect/anthropic_thinking.h"

/* --- The client's half ---------------------------------------------------------------------------- */

enum err anthropic_read_request(struct chat_source *in, struct chat *out) must_check;
enum {
    ANTHROPIC_WRITER_SIZE = 192,
    ANTHROPIC_READER_SIZE = 160
}; /* of their states, checked there */
void anthropic_write_event(struct answer_writer *w, const struct chat_event *ev);
void anthropic_write_answer(struct answer_writer *w, const struct chat_answer *a);
void anthropic_write_error(struct buf *out, const struct client_error *e);
void anthropic_write_failure(struct buf *out, const struct stream_failure *f);
int anthropic_client_status(enum err err, int status);

/* A request being read (anthropic_read_request.c), its turns (…_turns.c) and blocks (…_blocks.c). */
struct anthropic_reading {
    struct chat_source *in;
    const struct json_doc *doc;
    struct arena *arena;
    struct chat *chat;
    enum err err;            /* the first; in->fault has its words */
    enum effort turn_effort; /* of the last system turn that says one: it wins */
};

/* Where something stands, for faults: "messages[2].content[0].source"; -1: not within one. */
struct anthropic_place {
    const char *list; /* "messages", "system" */
    int item, block, inner;
};

/* Both keep the first error only.  Always false. */
bool anthropic_fault(struct anthropic_reading *r, enum err err, str field, const char *text);
bool anthropic_fault_at(struct anthropic_reading *r, const struct anthropic_place *at,
                        const char *member, const char *text);
bool anthropic_no_memory(struct anthropic_reading *r);

/* The decoded text of a string node; null str: absent or null, or (r->err) no memory. */
str anthropic_decode(struct anthropic_reading *r, uint32_t node);
/* The member's value when it is there and not null; JSON_NONE otherwise. */
uint32_t anthropic_given(const struct anthropic_reading *r, uint32_t object, str name);
bool anthropic_extra(struct anthropic_reading *r, str name, uint32_t value, enum field_class class);
bool anthropic_extra_at(struct anthropic_reading *r, const struct anthropic_place *at,
                        const char *member, uint32_t value, enum field_class class);
/* A cache_control object; its faults are the provider's to find. */
void anthropic_read_mark(const struct anthropic_reading *r, uint32_t node, bool *cached,
                         unsigned *ttl_s);

bool anthropic_read_system(struct anthropic_reading *r, uint32_t system);
bool anthropic_read_messages(struct anthropic_reading *r, uint32_t messages);
bool anthropic_read_content(struct anthropic_reading *r, struct turn *t, uint32_t content,
                            struct anthropic_place at);
bool anthropic_read_tools(struct anthropic_reading *r, uint32_t tools);
bool anthropic_read_tool_choice(struct anthropic_reading *r, uint32_t choice);
/* EFFORT_UNSET after a fault. */
enum effort anthropic_read_effort(struct anthropic_reading *r, uint32_t node, str field);

/* A citation of a text block; NULL: no memory. */
struct citation *anthropic_read_citation(struct arena *a, const struct json_doc *doc,
                                         uint32_t node);

/* --- The provider's half --------------------------------------------------------------------------- */

bool anthropic_write_request(const struct chat *c, struct chat_target *t, struct buf *out);
void anthropic_read_unit(struct answer_reader *r, str name, str data);
void anthropic_read_end(struct answer_reader *r);
void anthropic_read_whole(struct answer_reader *r, str body);
void anthropic_read_error(str body, struct arena *a, struct provider_fault *out);

/* What an error object means that came where an answer should be. */
enum err anthropic_error_meaning(str type);
/* Of an error object (the value of `error`). */
void anthropic_read_fault(const struct json_doc *doc, uint32_t error, struct arena *a,
                          struct provider_fault *out);

/* A request being written: anthropic_write_request.c, its turns (…_turns.c), blocks, tools. */
struct anthropic_writing {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *unsupported;
    struct arena *arena;
    struct json_write json;
    struct anthropic_thinking thinking;
    const struct turn *prefill;  /* the last turn, when the model is to continue it; else NULL */
    const struct turn *left_out; /* a last turn that the model does not continue; else NULL */
    str instruction;             /* sentences after the system text; null: none */
    str only_tool;               /* null: all */
    bool schema_native;          /* output_config.format */
    unsigned marks_to_skip;      /* cache marks in front of the last four */
    bool short_mark;             /* a mark of five minutes was written: no hour may follow */
    bool marks_reported;
    unsigned strict_tools;
};

bool anthropic_can(const struct anthropic_writing *w, enum model_ability ability);
bool anthropic_wrong(const struct anthropic_writing *w); /* a refusal, or no memory left */
void anthropic_instruct(struct anthropic_writing *w, str sentence);
void anthropic_write_mark(struct anthropic_writing *w, bool cached, unsigned ttl_s);

/* Turns: who is last, whether there is any, and the members `system` and `messages`. */
void anthropic_plan_turns(struct anthropic_writing *w);
void anthropic_write_system(struct anthropic_writing *w);
void anthropic_write_messages(struct anthropic_writing *w);

/* Blocks.  Not all kinds are written, and not all of a kind; `last`: nothing comes behind it. */
bool anthropic_block_is_written(const struct block *b);
bool anthropic_block_is_marked(const struct block *b);
void anthropic_write_block(struct anthropic_writing *w, const struct block *b, bool last);
void anthropic_write_text_block(struct anthropic_writing *w, struct raw text, bool cached,
                                unsigned ttl_s);
struct raw anthropic_trim_end(struct raw text); /* without white space at its end */

/* Tools: the choice and structured output, decided first (`forced`: a tool must be called); the members
 * `tools` and `tool_choice`. */
bool anthropic_plan_tools(struct anthropic_writing *w);
bool anthropic_offers(const struct anthropic_writing *w, const struct tool *t);
void anthropic_write_tools(struct anthropic_writing *w);

/* A JSON Schema as structured output takes it: objects closed, keywords that are not known moved into
 * descriptions.  *changed: names of what was moved, or null.  Null str: no memory. */
str anthropic_strict_schema(struct arena *a, str schema, str *changed);

#endif
