/*
 * A case: a conversation in four pieces, in a file.  Lines in front of it that begin with '#' say what it
 * is about ("# mapping: §7 temperature").
 *
 *     === gateway     (optional) the configuration; else gateway.yaml of the folder
 *     === client      the request as a client sends it
 *     === provider    the request as the provider must get it
 *     === answer      the provider's answer
 *     === then        (optional) the rest of its body, in a read of its own: what comes in one read
 *                     with the first content can still be tried again
 *     === seen        the answer as the client must see it
 *     === record      (optional) what is known of it afterwards: "input 12", "finish stop", ...
 *
 * Messages are a first line, fields, an empty line and a body, which ends with the line before the
 * next "===" (so an event stream is followed by an empty line of its own).  Of fields only those
 * that are written are compared; "!name" says that there is none.  "<id>" in what is seen stands for an id
 * of the gateway's own (24 letters and digits), the same wherever it stands.
 *
 * An answer of type application/vnd.amazon.eventstream is written in lines "name {payload}", each a binary
 * frame (of an exception, when the name ends so); "!name {payload}" has a wrong checksum.
 */
#ifndef CONFORMANCE_CASE_H
#define CONFORMANCE_CASE_H

#include "base/arena.h"
#include "base/str.h"

struct conformance_message {
    str first; /* line */
    str head;  /* first line and fields */
    str fields;
    str body;
};

struct conformance_case {
    const char *path;
    const char *yaml;
    struct conformance_message client, provider, answer, seen;
    str then, record;
};

/* The whole file, NUL-terminated, in the arena; a file that is not there fails the test. */
str conformance_read(struct arena *a, const char *path);

void conformance_parse(struct conformance_case *c, struct arena *a, const char *path,
                       const char *default_yaml);

#endif
