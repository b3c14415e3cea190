#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/check.h"

static _Thread_local EVP_MD *algorithm;
static _Thread_local EVP_MD_CTX *state;
static _Thread_local EVP_MAC *mac;
static _Thread_local EVP_MAC_CTX *mac_state;

static void begin(void)
{
    if (!state) {
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        state = EVP_MD_CTX_new();
        CHECK(algorithm && state);
    }
    CHECK(EVP_DigestInit_ex(state, algorithm, NULL));
}

static void end(uint8_t out[SHA256_BYTES])
{
    unsigned len;
    CHECK(EVP_DigestFinal_ex(state, out, &len) && len == SHA256_BYTES);
}

void digest_sha256(str text, uint8_t out[SHA256_BYTES])
{
    begin();
    CHECK(EVP_DigestUpdate(state, text.ptr, text.len));
    end(out);
}

void digest_sha256_slices(const struct slice *v, unsigned n, uint8_t out[SHA256_BYTES])
{
    begin();
    for (unsigned i = 0; i < n; i++)
        CHECK(EVP_DigestUpdate(state, v[i].ptr, v[i].len));
    end(out);
}

void digest_hmac_sha256(str key, str text, uint8_t out[SHA256_BYTES])
{
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len;
    if (!mac_state) {
        mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        mac_state = mac ? EVP_MAC_CTX_new(mac) : NULL;
        CHECK(mac_state);
    }
    /* An absent key would mean "the one before". */
    CHECK(EVP_MAC_init(mac_state, (const uint8_t *)(key.ptr ? key.ptr : ""), key.len, params) &&
          EVP_MAC_update(mac_state, (const uint8_t *)text.ptr, text.len) &&
          EVP_MAC_final(mac_state, out, &len, SHA256_BYTES) && len == SHA256_BYTES);
}

void digest_hex(const uint8_t digest[SHA256_BYTES], char out[2 * SHA256_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
}

void digest_release(void)
{
    EVP_MD_CTX_free(state);
    EVP_MD_free(algorithm);
    EVP_MAC_CTX_free(mac_state);
    EVP_MAC_free(mac);
    state = NULL;
    algorithm = NULL;
    mac_state = NULL;
    mac = NULL;
}
