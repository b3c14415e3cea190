#include "conformance_case.h"

#include <stdio.h>

#include "support/test.h"
#include "wire/aws_events.h"

str conformance_read(struct arena *a, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        EXPECT_FAIL("%s is missing", path);
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    rewind(in);
    char *text = arena_alloc(a, size + 1);
    EXPECT(text && fread(text, 1, size, in) == size);
    fclose(in);
    text[size] = '\0';
    return str_make(text, size);
}

static struct conformance_message message_of(str section)
{
    struct conformance_message m = {0};
    ptrdiff_t gap = str_find(section, STR("\n\n"));
    m.head = gap < 0 ? section : str_first(section, (size_t)gap);
    m.body = gap < 0 ? STR("") : str_from(section, (size_t)gap + 2);
    str rest = m.head;
    m.first = str_split(&rest, '\n');
    m.fields = rest;
    return m;
}

/* "name {payload}" as a frame; "!name {payload}" as one with a wrong checksum. */
static void add_frame(struct buf *out, str line)
{
    bool damaged = str_starts(line, STR("!"));
    str payload = damaged ? str_from(line, 1) : line;
    str name = str_split(&payload, ' ');
    str kind = str_ends(name, STR("Exception")) ? STR("exception") : STR("event");
    aws_events_write_json(out, kind, name, payload);
    if (damaged)
        out->ptr[out->len - 1] ^= 1;
}

/* Lines as AWS's binary frames. */
static str frames_of(struct arena *a, str lines)
{
    struct buf out;
    buf_init(&out, 0);
    while (lines.len) {
        str line = str_split(&lines, '\n');
        if (line.len)
            add_frame(&out, line);
    }
    str frames = arena_str(a, buf_str(&out));
    buf_release(&out);
    return frames;
}

/* Takes "=== name" and what follows it up to the next one.  False: the file has ended. */
static bool next_section(str *left, str *name, str *text)
{
    if (!str_starts(*left, STR("=== ")))
        return false;
    str rest = str_from(*left, 4);
    *name = str_split(&rest, '\n');
    ptrdiff_t end = str_find(rest, STR("\n=== "));
    *text = end < 0 ? rest : str_first(rest, (size_t)end);
    *left = end < 0 ? STR_NULL : str_from(rest, (size_t)end + 1);
    if (end < 0 && text->len && text->ptr[text->len - 1] == '\n')
        text->len--;
    return true;
}

void conformance_parse(struct conformance_case *c, struct arena *a, const char *path,
                       const char *default_yaml)
{
    str left = conformance_read(a, path), name, text;
    *c = (struct conformance_case){.path = path, .yaml = default_yaml};
    while (str_starts(left, STR("#"))) /* what the case is about */
        str_split(&left, '\n');
    while (next_section(&left, &name, &text)) {
        if (str_eq(name, STR("gateway")))
            c->yaml = arena_str(a, text).ptr;
        else if (str_eq(name, STR("client")))
            c->client = message_of(text);
        else if (str_eq(name, STR("provider")))
            c->provider = message_of(text);
        else if (str_eq(name, STR("answer")))
            c->answer = message_of(text);
        else if (str_eq(name, STR("seen")))
            c->seen = message_of(text);
        else if (str_eq(name, STR("then")))
            c->then = text;
        else if (str_eq(name, STR("record")))
            c->record = text;
        else
            EXPECT_FAIL("%s: an unknown section %.*s", path, STR_ARG(name));
    }
    if (str_find(c->answer.fields, STR("application/vnd.amazon.eventstream")) >= 0) {
        c->answer.body = frames_of(a, c->answer.body);
        c->then = frames_of(a, c->then);
    }
    if (!c->client.first.len || !c->provider.first.len || !c->answer.first.len ||
        !c->seen.first.len)
        EXPECT_FAIL("%s lacks a section", path);
}
