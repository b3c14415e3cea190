#include "base/rsa.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* Instead of asking on the terminal. */
static int no_password(char *to, int size, int writing, void *arg)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *read_key(str pem)
{
    if (pem.len > INT_MAX)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem.ptr ? pem.ptr : "", (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static bool sign(EVP_MD_CTX *state, EVP_PKEY *key, str text, struct buf *signature)
{
    size_t len = (size_t)EVP_PKEY_get_size(key);
    char *to = buf_reserve(signature, len);
    if (!to || EVP_DigestSignInit(state, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(state, (unsigned char *)to, &len, (const unsigned char *)text.ptr,
                       text.len) != 1)
        return false;
    signature->len += len;
    return true;
}

bool rsa_sha256_sign(str pem, str text, struct buf *signature)
{
    EVP_PKEY *key = read_key(pem);
    EVP_MD_CTX *state = key ? EVP_MD_CTX_new() : NULL;
    bool ok = state && sign(state, key, text, signature);
    EVP_MD_CTX_free(state);
    EVP_PKEY_free(key);
    if (!ok)
        ERR_clear_error(); /* or TLS on this thread would find it */
    return ok;
}
