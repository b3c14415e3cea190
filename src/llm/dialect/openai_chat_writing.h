/* What the files that write requests of chat completions share. */
#ifndef LLM_DIALECT_OPENAI_CHAT_WRITING_H
#define LLM_DIALECT_OPENAI_CHAT_WRITING_H

#include "llm/dialect/openai_chat_impl.h"

/* What a server takes beyond, or short of, the common ground of the format. */
enum openai_trait {
    OPENAI_OWN = 1, /* OpenAI's own models (also at Azure): strict, and with the newest fields */
    OPENAI_SYSTEM_ONLY = 2, /* no role developer */
    OPENAI_REASONING = 4,   /* takes reasoning back, as reasoning_content */
    OPENAI_EFFORTS = 8,     /* takes any effort, also for models that only think or do not */
    OPENAI_FILES = 16,      /* takes documents */
    OPENAI_MEDIA_URLS = 32, /* video_url, audio_url */
    OPENAI_TOP_K = 64,      /* and does not mind fields that it does not know */
    OPENAI_PLAIN = 128, /* Together: no strict, parallel_tool_calls, detail; logprobs a number */
    OPENAI_SIGNATURES = 256 /* Google's: extra_content on calls */
};

struct openai_writing {
    const struct chat *chat;
    struct chat_target *target;
    struct unsupported *unsupported;
    struct arena *arena;
    struct json_write j;
    unsigned traits;
    bool reasons;        /* the model will */
    unsigned marks_left; /* of the marks for caching, in order, that are not to be written */
};

static inline bool openai_has(const struct openai_writing *w, enum openai_trait trait)
{
    return w->traits & trait;
}

static inline bool openai_can(const struct openai_writing *w, enum model_ability a)
{
    return model_can(w->target->facts, a);
}

/* Marks the output as failed when there was no memory for `text`, which is returned. */
str openai_made(struct openai_writing *w, str text);

/* --- openai_chat_write_parts.c */
/* The member `content` of what a user said; path: of the message. */
void openai_write_content(struct openai_writing *w, const struct block *blocks, str path);
/* The same for roles that have only text: one string where the server may want that. */
void openai_write_words(struct openai_writing *w, const struct block *blocks, str path);
/* One part of a list. */
void openai_write_part(struct openai_writing *w, const struct block *b, str path);
/* Whether it is written as a part; what is another format's own is reported. */
bool openai_is_part(struct openai_writing *w, const struct block *b, str path);
/* The text of a document that is text; null: it is none. */
struct raw openai_document_text(struct openai_writing *w, const struct media *m);
/* How many marks openai_write_part would write for the chat. */
unsigned openai_count_marks(const struct openai_writing *w);

/* --- openai_chat_write_turns.c */
void openai_write_messages(struct openai_writing *w);

/* --- openai_chat_write_tools.c */
void openai_write_tools(struct openai_writing *w);
/* The tool is written as one with free text, so that its calls are, too. */
bool openai_is_custom_tool(const struct openai_writing *w, str name);

#endif
