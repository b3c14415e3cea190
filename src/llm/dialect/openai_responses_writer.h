/* The state of a Responses answer that is being written (…_write_answer.c, …_parts.c, …_object.c). */
#ifndef LLM_DIALECT_OPENAI_RESPONSES_WRITER_H
#define LLM_DIALECT_OPENAI_RESPONSES_WRITER_H

#include "llm/dialect/openai_responses_impl.h"

struct responses_text { /* bytes in the request's arena */
    char *ptr;
    size_t len, cap;
};

enum responses_open {
    RESPONSES_OPEN_NONE,
    RESPONSES_OPEN_MESSAGE,
    RESPONSES_OPEN_REASONING,
    RESPONSES_OPEN_CALL
};
enum responses_part {
    RESPONSES_PART_NONE,
    RESPONSES_PART_TEXT,
    RESPONSES_PART_REFUSAL,
    RESPONSES_PART_SUMMARY
};

struct responses_writer {
    bool started, ended, refused;
    str response_id;
    str response; /* the object, once it has ended, when it may be stored */

    enum responses_open open;
    enum responses_part part;       /* of it */
    unsigned index, part_index;     /* of the open one, or the next */
    str id;                         /* of the open item */
    struct responses_text text;     /* raw, of the open part; a call's arguments */
    struct responses_text notes;    /* annotations of the open part; lists without brackets */
    struct responses_text logprobs; /* of the open part */
    struct responses_text parts;    /* of the open item, those that are done */
    struct responses_text output;   /* items that are done */
    unsigned note_count;
    str encrypted;                      /* of open reasoning; null: none */
    bool custom;                        /* the open call is a custom tool's */
    unsigned call;                      /* its number */
    str call_id, call_name, call_space; /* call_space: its namespace, or null */

    enum finish finish;
    struct usage usage;
};

/* Text in the request's arena; without memory the writer's buffer has failed. */
void responses_gather(struct answer_writer *w, struct responses_text *t, str more);
/* An element of a list without its brackets. */
void responses_gather_element(struct answer_writer *w, struct responses_text *list, str json);
str responses_gathered(const struct responses_text *t);
str responses_kept(struct answer_writer *w, str text);

/* An event, which responses_end() ends; with the coordinates of the open item and, if there is one, its part. */
void responses_begin(struct answer_writer *w, struct json_write *j, str type);
void responses_begin_at(struct answer_writer *w, const struct responses_writer *s,
                        struct json_write *j, str type);
void responses_end(struct answer_writer *w, struct json_write *j);
/* One event at the open part with one member of raw text. */
void responses_write_piece(struct answer_writer *w, const struct responses_writer *s, str type,
                           str key, str raw);

void responses_open_part(struct answer_writer *w, struct responses_writer *s,
                         enum responses_part part);
void responses_close_part(struct answer_writer *w, struct responses_writer *s);
void responses_open_item(struct answer_writer *w, struct responses_writer *s,
                         enum responses_open open, const char *prefix);
/* cut: a limit of length ended it. */
void responses_close_item(struct answer_writer *w, struct responses_writer *s, bool cut);
/* "msg_<the response's>_3": by an item's id its response is found again. */
str responses_item_id(struct answer_writer *w, const struct responses_writer *s,
                      const char *prefix);
/* item: its JSON. */
void responses_write_item_event(struct answer_writer *w, const struct responses_writer *s, str type,
                                str item);

/* The response's id: the provider's when it may be used, but always with the format's prefix. */
str responses_id(struct answer_writer *w, struct arena *a);
/* "max_output_tokens"; NULL: it is complete. */
const char *responses_incomplete_reason(enum finish finish);
/* The response object as far as it is known; status: "in_progress", … */
void responses_write_object(struct answer_writer *w, const struct responses_writer *s,
                            struct json_write *j, str status);

#endif
