/* Certificates made for a test: a CA, and what it signs, as PEM files in a folder of their own. */
#ifndef TEST_IO_CERTIFICATES_H
#define TEST_IO_CERTIFICATES_H

struct certificates {
    char folder[32];
    char ca[64], ca_key[64];
};

struct certificate_paths {
    char certificate[64], key[64];
};

void certificates_begin(struct certificates *c, const char *ca_name);

/* names: as in subjectAltName, "DNS:a.test,DNS:*.b.test,IP:127.0.0.1"; NULL: none (a client's).
 * Valid for `days` from now. */
struct certificate_paths certificates_issue(struct certificates *c, const char *common_name,
                                            const char *names, int days);

/* Removes the folder. */
void certificates_end(struct certificates *c);

#endif
