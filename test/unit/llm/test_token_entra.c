#include "llm/token_source.h"

#include "support/test.h"
#include "token_rig.h"

static void with_secret(struct token_rig *t)
{
    token_rig_init(t, &token_entra);
    t->conf.entra.tenant = STR("contoso.example");
    t->conf.entra.client_id = STR("app-1");
    t->conf.entra.client_secret = STR("s3cret&+=");
}

TEST(a_secret_is_exchanged_for_a_token)
{
    struct token_rig t;
    with_secret(&t);
    EXPECT_STR(token_rig_begin(&t),
               "POST https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
               " | content-type: application/x-www-form-urlencoded | accept: application/json"
               " | grant_type=client_credentials&client_id=app-1"
               "&scope=https%3A%2F%2Fai.azure.com%2F.default&client_secret=s3cret%26%2B%3D");
    EXPECT(!t.run.request.local);
    EXPECT_STR(token_rig_answer(&t, 200,
                                "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
                                "\"ext_expires_in\":3599,\"access_token\":\"eyJ0.abc\"}"),
               "DONE eyJ0.abc +3599");
    token_rig_release(&t);
}

TEST(authority_and_scope_are_settings)
{
    struct token_rig t;
    with_secret(&t);
    t.conf.entra.authority = STR("https://login.microsoftonline.us/");
    t.conf.entra.scope = STR("https://cognitiveservices.azure.us/.default");
    const char *asked = token_rig_begin(&t);
    EXPECT_CONTAINS(asked, "POST https://login.microsoftonline.us/contoso.example/oauth2/v2.0/");
    EXPECT_CONTAINS(asked, "scope=https%3A%2F%2Fcognitiveservices.azure.us%2F.default");
    token_rig_release(&t);
}

TEST(workload_identity_needs_no_secret)
{
    struct token_rig t;
    token_rig_init(&t, &token_entra);
    token_rig_set(&t, "AZURE_TENANT_ID", "tenant-2");
    token_rig_set(&t, "AZURE_CLIENT_ID", "app-2");
    token_rig_set(&t, "AZURE_AUTHORITY_HOST", "https://login.example/");
    token_rig_set(&t, "AZURE_FEDERATED_TOKEN_FILE", "/var/token");
    token_rig_file(&t, "/var/token", "a.b.c\n");
    EXPECT_STR(token_rig_begin(&t),
               "POST https://login.example/tenant-2/oauth2/v2.0/token"
               " | content-type: application/x-www-form-urlencoded | accept: application/json"
               " | grant_type=client_credentials&client_id=app-2"
               "&scope=https%3A%2F%2Fai.azure.com%2F.default&client_assertion_type="
               "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
               "&client_assertion=a.b.c");
    token_rig_release(&t);
}

TEST(a_managed_identity_is_asked_of_the_machine)
{
    struct token_rig t;
    token_rig_init(&t, &token_entra);
    t.conf.entra.managed_identity = true;
    t.conf.entra.client_id = STR("app 3");
    EXPECT_STR(token_rig_begin(&t),
               "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
               "&resource=https%3A%2F%2Fai.azure.com&client_id=app%203 | metadata: true | ");
    EXPECT(t.run.request.local);
    EXPECT_STR(token_rig_answer(&t, 200,
                                "{\"access_token\":\"eyJ0.def\",\"expires_in\":\"86399\","
                                "\"expires_on\":\"1790000000\"}"),
               "DONE eyJ0.def +86399");
    token_rig_release(&t);
}

TEST(app_service_has_an_endpoint_of_its_own)
{
    struct token_rig t;
    token_rig_init(&t, &token_entra);
    t.conf.entra.managed_identity = true;
    token_rig_set(&t, "IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token");
    token_rig_set(&t, "IDENTITY_HEADER", "hdr");
    EXPECT_STR(token_rig_begin(&t), "GET http://127.0.0.1:41/msi/token?api-version=2019-08-01"
                                    "&resource=https%3A%2F%2Fai.azure.com"
                                    " | x-identity-header: hdr | ");
    token_rig_release(&t);
}

TEST(a_refusal_is_told_in_entras_words)
{
    struct token_rig t;
    with_secret(&t);
    token_rig_begin(&t);
    EXPECT_STR(token_rig_answer(&t, 401,
                                "{\"error\":\"invalid_client\",\"error_description\":"
                                "\"AADSTS7000215: Invalid client secret.\\r\\nTrace ID: 1\"}"),
               "FAILED Entra ID answered 401: invalid_client: AADSTS7000215: Invalid client "
               "secret. Trace ID: 1");
    token_rig_release(&t);
}

TEST(bad_answers_are_failures)
{
    static const struct {
        int status;
        const char *body, *told;
    } rows[] = {
        {0, "no connection", "FAILED Entra ID: no connection"},
        {500, "<html>", "FAILED Entra ID answered 500"},
        {200, "", "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"a\"}", "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"\",\"expires_in\":1}",
         "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"a\\r\\nx: y\",\"expires_in\":10}",
         "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"a\",\"expires_in\":-3}",
         "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"a\",\"expires_in\":0.5}",
         "FAILED Entra ID answered without a token"},
        {200, "{\"access_token\":\"a\",\"expires_in\":3e59}", "DONE a +2147483647"},
        {200, "{\"access_token\":{},\"expires_in\":3}", "FAILED Entra ID answered without a token"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token_rig t;
        with_secret(&t);
        token_rig_begin(&t);
        EXPECT_STR(token_rig_answer(&t, rows[i].status, rows[i].body), rows[i].told);
        token_rig_release(&t);
    }
}

TEST(what_is_missing_is_said_before_anybody_is_asked)
{
    struct token_rig t;
    token_rig_init(&t, &token_entra);
    EXPECT_STR(token_rig_begin(&t), "FAILED entra needs tenant and client_id");
    t.conf.entra.tenant = STR("t");
    t.conf.entra.client_id = STR("c");
    EXPECT_CONTAINS(token_rig_begin(&t), "FAILED entra needs client_secret, or");
    token_rig_release(&t);
}
