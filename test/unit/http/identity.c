#include "identity.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    EXPECT(e != NULL);
    EXPECT(X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

static X509 *certificate_for(EVP_PKEY *key, const char *name, const char *names)
{
    X509 *x = X509_new();
    EXPECT(x != NULL);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    add_extension(x, NID_subject_alt_name, names);
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    EXPECT(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

void identity_make_for(struct identity *id, const char *name, const char *names)
{
    snprintf(id->folder, sizeof(id->folder), "/tmp/identity-XXXXXX");
    EXPECT(mkdtemp(id->folder) != NULL);
    snprintf(id->certificate, sizeof(id->certificate), "%s/certificate.pem", id->folder);
    snprintf(id->key, sizeof(id->key), "%s/key.pem", id->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = certificate_for(key, name, names);
    FILE *f = fopen(id->certificate, "w");
    EXPECT(f && PEM_write_X509(f, x) && fclose(f) == 0);
    f = fopen(id->key, "w");
    EXPECT(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) && fclose(f) == 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

void identity_make(struct identity *id, const char *name)
{
    identity_make_for(id, name, "DNS:localhost,IP:127.0.0.1");
}

void identity_remove(struct identity *id)
{
    unlink(id->certificate);
    unlink(id->key);
    rmdir(id->folder);
}
