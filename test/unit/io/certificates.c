#include "certificates.h"

#include "support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static EVP_PKEY *ca_key;
static X509 *ca;
static long serial;

static void add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, ca ? ca : x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    EXPECT(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static X509 *make(EVP_PKEY *key, const char *common_name, int days)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600 - (days < 0 ? 86400L * 30 : 0));
    X509_gmtime_adj(X509_getm_notAfter(x), 86400L * days);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(ca ? ca : x));
    X509_set_pubkey(x, key);
    return x;
}

static void save(const char *certificate, X509 *x, const char *key_path, EVP_PKEY *key)
{
    FILE *f = fopen(certificate, "we");
    EXPECT(f && PEM_write_X509(f, x));
    fclose(f);
    f = fopen(key_path, "we");
    EXPECT(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
}

void certificates_begin(struct certificates *c, const char *ca_name)
{
    strcpy(c->folder, "/tmp/test_tls_XXXXXX");
    EXPECT(mkdtemp(c->folder));
    snprintf(c->ca, sizeof(c->ca), "%s/ca.pem", c->folder);
    snprintf(c->ca_key, sizeof(c->ca_key), "%s/ca.key", c->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = make(key, ca_name, 30);
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    EXPECT(X509_sign(x, key, EVP_sha256()));
    save(c->ca, x, c->ca_key, key);
    ca = x;
    ca_key = key;
}

struct certificate_paths certificates_issue(struct certificates *c, const char *common_name,
                                            const char *names, int days)
{
    struct certificate_paths paths;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = make(key, common_name, days);
    if (names)
        add_extension(x, NID_subject_alt_name, names);
    EXPECT(X509_sign(x, ca_key, EVP_sha256()));
    snprintf(paths.certificate, sizeof(paths.certificate), "%s/%ld.pem", c->folder, serial);
    snprintf(paths.key, sizeof(paths.key), "%s/%ld.key", c->folder, serial);
    save(paths.certificate, x, paths.key, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return paths;
}

void certificates_end(struct certificates *c)
{
    char path[300];
    DIR *folder = opendir(c->folder);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        snprintf(path, sizeof(path), "%s/%s", c->folder, e->d_name);
        unlink(path);
    }
    if (folder)
        closedir(folder);
    rmdir(c->folder);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    ca = NULL;
    ca_key = NULL;
}
