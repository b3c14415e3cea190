/* A request of Gemini's format being read: gemini_read_request.c, _contents.c, _media.c,
 * _config.c, _tools.c. */
#ifndef LLM_DIALECT_GEMINI_READING_H
#define LLM_DIALECT_GEMINI_READING_H

#include "llm/dialect/gemini_impl.h"

struct gemini_reading {
    struct chat_source *in;
    const struct json_doc *doc;
    struct arena *arena;
    struct chat *chat;
    enum err err; /* the first; in->fault has its words */
    /* Texts of a model's turn that follow each other are pieces of one: clients keep a stream as its
     * chunks.  They are gathered here until something else comes. */
    struct buf run;
    struct block *run_block;
};

/* Both keep the first error only.  Always false. */
bool gemini_fault(struct gemini_reading *g, str field, const char *text);
bool gemini_no_memory(struct gemini_reading *g);

/* "contents[2].parts[0]": in the arena; null str after out of memory. */
str gemini_path(struct gemini_reading *g, str path, const char *member);
str gemini_path_item(struct gemini_reading *g, str path, const char *list, unsigned i);

/* The member, unless it is absent or null. */
uint32_t gemini_given(const struct gemini_reading *g, uint32_t object, str name);
/* Decoded text of a string; null str: it is not there.  A fault when it is something else. */
str gemini_text(struct gemini_reading *g, uint32_t object, str name, str path);
/* Something without a place in a chat. */
bool gemini_extra(struct gemini_reading *g, str path, uint32_t value, enum field_class class);
/* true, false, or unset; a fault when it is something else. */
enum tri gemini_tri(struct gemini_reading *g, uint32_t value, str path);

/* What each member of an object is for.  A member that no row names is an extra of class UNKNOWN. */
struct gemini_row {
    str name;
    bool (*read)(struct gemini_reading *g, uint32_t value,
                 str path); /* NULL: an extra of `class` */
    enum field_class class;
};
bool gemini_read_rows(struct gemini_reading *g, uint32_t object, str path,
                      const struct gemini_row *rows, unsigned count);

bool gemini_read_system(struct gemini_reading *g, uint32_t value, str path);
bool gemini_read_contents(struct gemini_reading *g, uint32_t value, str path);
bool gemini_read_parts(struct gemini_reading *g, struct turn *t, uint32_t parts, str path);
void gemini_end_run(struct gemini_reading *g);
bool gemini_read_media(struct gemini_reading *g, uint32_t part, struct block *b, str path);
bool gemini_read_config(struct gemini_reading *g, uint32_t value, str path);
bool gemini_read_tools(struct gemini_reading *g, uint32_t value, str path);
bool gemini_read_tool_config(struct gemini_reading *g, uint32_t value, str path);

/* Reasoning of other makers on a call's thoughtSignature: clients bring it back there
 * when they drop thoughts.  Adds REASONING blocks before the call. */
bool gemini_carry_read(struct gemini_reading *g, struct turn *t, enum native_format maker,
                       str text);

#endif
