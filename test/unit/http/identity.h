/* For tests over TLS: a fresh self-signed certificate and its key, as PEM files in a folder. */
#ifndef UNIT_HTTP_IDENTITY_H
#define UNIT_HTTP_IDENTITY_H

struct identity {
    char folder[64], certificate[96], key[96];
};

/* The subject is CN=<name>; it is valid for localhost and 127.0.0.1. */
void identity_make(struct identity *id, const char *name);
/* Valid for `names` instead: "DNS:provider.example,IP:127.0.0.2". */
void identity_make_for(struct identity *id, const char *name, const char *names);
void identity_remove(struct identity *id);

#endif
