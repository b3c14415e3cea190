#include "llm/token_source.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/base64.h"
#include "support/test.h"
#include "token_rig.h"
#include "wire/json.h"

/* --- A key made for the test ---------------------------------------------------------------- */

static EVP_PKEY *key;

/* PEM with line ends as JSON escapes them. */
static const char *key_as_json(void)
{
    static char text[8192];
    size_t at = 0;
    char *pem;
    if (!key)
        key = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &pem);
    for (long i = 0; i < len; i++) {
        if (pem[i] == '\n')
            text[at++] = '\\';
        text[at++] = pem[i] == '\n' ? 'n' : pem[i];
    }
    text[at] = '\0';
    BIO_free(bio);
    return text;
}

static const char *service_account(struct token_rig *t)
{
    return arena_printf(&t->arena,
                        "{\"type\":\"service_account\",\"project_id\":\"p\",\"private_key_id\":"
                        "\"kid-1\",\"private_key\":\"%s\",\"client_email\":"
                        "\"gw@p.iam.gserviceaccount.com\",\"token_uri\":"
                        "\"https://oauth2.googleapis.com/token\"}",
                        key_as_json())
        .ptr;
}

static str decoded(struct token_rig *t, str part)
{
    char *to = arena_alloc(&t->arena, base64_decoded_max(part));
    size_t len;
    EXPECT(base64_decode(part, to, &len));
    return str_make(to, len);
}

static bool is_signed(str text, str signature)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key);
    int ok = EVP_DigestVerify(c, (const unsigned char *)signature.ptr, signature.len,
                              (const unsigned char *)text.ptr, text.len);
    EVP_MD_CTX_free(c);
    return ok == 1;
}

TEST(a_service_account_signs_its_claims)
{
    struct token_rig t;
    token_rig_init(&t, &token_google);
    t.conf.vertex.credentials = STR("/key.json");
    token_rig_file(&t, "/key.json", service_account(&t));
    const char *begin = "POST https://oauth2.googleapis.com/token"
                        " | content-type: application/x-www-form-urlencoded"
                        " | accept: application/json | grant_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                        "grant-type%3Ajwt-bearer&assertion=";
    str asked = str_from_c(token_rig_begin(&t));
    EXPECT(str_starts(asked, str_from_c(begin)));
    str jwt = str_from(asked, strlen(begin)), rest = jwt;
    str header = str_split(&rest, '.'), claims = str_split(&rest, '.');
    EXPECT_STR(decoded(&t, header), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"kid-1\"}");
    EXPECT_STR(decoded(&t, claims),
               "{\"iss\":\"gw@p.iam.gserviceaccount.com\",\"sub\":\"gw@p.iam.gserviceaccount.com\","
               "\"scope\":\"https://www.googleapis.com/auth/cloud-platform\","
               "\"aud\":\"https://oauth2.googleapis.com/token\",\"iat\":1795435200,"
               "\"exp\":1795438800}");
    EXPECT(is_signed(str_first(jwt, header.len + 1 + claims.len), decoded(&t, rest)));
    EXPECT_STR(
        token_rig_answer(
            &t, 200, "{\"access_token\":\"ya29.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"),
        "DONE ya29.x +3599");
    token_rig_release(&t);
}

TEST(credentials_may_be_json_itself_or_a_variables_file)
{
    struct token_rig t;
    token_rig_init(&t, &token_google);
    t.conf.vertex.credentials = str_from_c(service_account(&t));
    EXPECT_CONTAINS(token_rig_begin(&t), "POST https://oauth2.googleapis.com/token");
    t.conf.vertex.credentials = STR_NULL;
    token_rig_set(&t, "GOOGLE_APPLICATION_CREDENTIALS", "/a.json");
    token_rig_file(&t, "/a.json", service_account(&t));
    EXPECT_CONTAINS(token_rig_begin(&t), "assertion=");
    token_rig_release(&t);
}

#define USER                                                                                       \
    "{\"type\":\"authorized_user\",\"client_id\":\"c.apps\",\"client_secret\":\"d-1\","            \
    "\"refresh_token\":\"1//r\"}"

TEST(a_user_refreshes)
{
    struct token_rig t;
    token_rig_init(&t, &token_google);
    token_rig_set(&t, "HOME", "/home/u");
    token_rig_file(&t, "/home/u/.config/gcloud/application_default_credentials.json", USER);
    EXPECT_STR(token_rig_begin(&t),
               "POST https://oauth2.googleapis.com/token"
               " | content-type: application/x-www-form-urlencoded | accept: application/json"
               " | grant_type=refresh_token&client_id=c.apps&client_secret=d-1"
               "&refresh_token=1%2F%2Fr");
    EXPECT_STR(token_rig_answer(&t, 400,
                                "{\"error\":\"invalid_grant\",\"error_description\":\"Bad "
                                "Request\"}"),
               "FAILED Google answered 400: invalid_grant: Bad Request");
    token_rig_release(&t);
}

TEST(without_files_the_metadata_server_is_asked)
{
    struct token_rig t;
    token_rig_init(&t, &token_google);
    EXPECT_STR(token_rig_begin(&t), "GET http://metadata.google.internal/computeMetadata/v1/"
                                    "instance/service-accounts/default/token"
                                    " | metadata-flavor: Google | ");
    EXPECT(t.run.request.local);
    EXPECT_STR(token_rig_answer(&t, 0, "no connection"),
               "FAILED Google's metadata server: no connection");
    token_rig_set(&t, "GCE_METADATA_HOST", "127.0.0.1:8081");
    EXPECT_CONTAINS(token_rig_begin(&t), "GET http://127.0.0.1:8081/computeMetadata/");
    token_rig_release(&t);
}

TEST(files_that_do_not_serve_are_named)
{
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"{", "FAILED /k.json: line 1, column 2: the document ends too early"},
        {"{}", "FAILED /k.json: type '' is not supported, only service_account and "
               "authorized_user"},
        {"{\"type\":\"external_account\"}",
         "FAILED /k.json: type 'external_account' is not supported, only service_account and "
         "authorized_user"},
        {"{\"type\":\"service_account\"}",
         "FAILED /k.json: client_email or private_key is missing"},
        {"{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":\"SECRET\"}",
         "FAILED /k.json: private_key is not an RSA key in PEM"},
        {"{\"type\":\"authorized_user\",\"client_id\":\"a\"}",
         "FAILED /k.json: client_secret is missing"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token_rig t;
        token_rig_init(&t, &token_google);
        t.conf.vertex.credentials = STR("/k.json");
        token_rig_file(&t, "/k.json", rows[i].text);
        EXPECT_STR(token_rig_begin(&t), rows[i].told);
        token_rig_release(&t);
    }
    struct token_rig t;
    token_rig_init(&t, &token_google);
    t.conf.vertex.credentials = STR("/none.json");
    EXPECT_STR(token_rig_begin(&t), "FAILED cannot read /none.json");
    token_rig_release(&t);
}

TEST(an_encrypted_key_is_refused_and_nobody_is_asked_for_a_password)
{
    struct token_rig t;
    char *pem;
    token_rig_init(&t, &token_google);
    key_as_json();
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "pw", 2, NULL, NULL);
    long len = BIO_get_mem_data(bio, &pem);
    struct buf quoted;
    buf_init(&quoted, 0);
    for (long i = 0; i < len; i++)
        pem[i] == '\n' ? buf_add_lit(&quoted, "\\n") : buf_add_byte(&quoted, pem[i]);
    BIO_free(bio);
    str text = arena_printf(&t.arena,
                            "{\"type\":\"service_account\",\"client_email\":\"a\","
                            "\"private_key\":\"%.*s\"}",
                            STR_ARG(buf_str(&quoted)));
    buf_release(&quoted);
    t.conf.vertex.credentials = text;
    EXPECT_STR(token_rig_begin(&t),
               "FAILED vertex.credentials: private_key is not an RSA key in PEM");
    token_rig_release(&t);
}
