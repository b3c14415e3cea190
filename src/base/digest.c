#include "base/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

static _Thread_local EVP_MD *algorithm;
static _Thread_local EVP_MD_CTX *state;

void digest_sha256(str text, uint8_t out[SHA256_BYTES])
{
    unsigned len;
    if (!state) {
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        state = EVP_MD_CTX_new();
        CHECK(algorithm && state);
    }
    CHECK(EVP_DigestInit_ex(state, algorithm, NULL) &&
          EVP_DigestUpdate(state, text.ptr, text.len) && EVP_DigestFinal_ex(state, out, &len) &&
          len == SHA256_BYTES);
}

void digest_release(void)
{
    EVP_MD_CTX_free(state);
    EVP_MD_free(algorithm);
    state = NULL;
    algorithm = NULL;
}
