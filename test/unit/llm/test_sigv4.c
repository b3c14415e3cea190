#include "llm/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "support/test.h"
#include "wire/json.h"

static str read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        EXPECT_FAIL("%s is missing", path);
    char *text = arena_alloc(a, 1 << 20);
    size_t len = fread(text, 1, 1 << 20, f);
    fclose(f);
    return str_make(text, len);
}

struct signing {
    struct request_head head;
    str body, region, service;
    struct aws_credentials credentials;
    int64_t now_s;
};

static void add_header(struct signing *s, struct arena *a, str name, str value)
{
    if (!head_add(&s->head.headers, a, name, value))
        EXPECT_FAIL("out of memory");
}

/* The value of authorization. */
static str sign(struct signing *s, struct arena *a)
{
    struct slice body = SLICE_BORROWED(s->body);
    if (!sigv4_sign(&s->head, &body, 1, &s->credentials, s->region, s->service, s->now_s, a))
        return STR("refused");
    return head_known(&s->head.headers, HEADER_AUTHORIZATION);
}

static str signature(str authorization)
{
    ptrdiff_t at = str_find(authorization, STR("Signature="));
    return at < 0 ? authorization : str_from(authorization, (size_t)at + 10);
}

/* --- The test suite that AWS publishes (2015-08-30T12:36:00Z, us-east-1, "service") ---------- */

static struct signing of_suite(str method, str target)
{
    return (struct signing){
        .head = {.method_text = method,
                 .authority = STR("example.amazonaws.com"),
                 .target = target},
        .region = STR("us-east-1"),
        .service = STR("service"),
        .credentials = {.access_key_id = STR("AKIDEXAMPLE"),
                        .secret_access_key = STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")},
        .now_s = 1440938160,
    };
}

static const struct {
    const char *name, *target, *headers[8], *signature;
} suite[] = {
    {"get-vanilla", "/", {0}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-header-key-duplicate",
     "/",
     {"My-Header1", "value2", "My-Header1", "value2", "My-Header1", "value1"},
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "/",
     {"My-Header1", "value4", "My-Header1", "value1", "My-Header1", "value3", "My-Header1",
      "value2"},
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "/",
     {"My-Header1", " value1", "My-Header2", " \"a   b   c\""},
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-unreserved",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {0},
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "/\xe1\x88\xb4",
     {0},
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space-normalized",
     "/example space/",
     {0},
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-slashes-normalized",
     "//example//",
     {0},
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-slash-dot-slash-normalized",
     "/./",
     {0},
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative-normalized",
     "/example1/example2/../..",
     {0},
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-empty-query-key",
     "/?Param1=value1",
     {0},
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key",
     "/?Param1=value2&Param1=Value1",
     {0},
     "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-key-case",
     "/?Param2=value2&Param1=value1",
     {0},
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "/?Param1=value2&Param1=value1",
     {0},
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-order-encoded",
     "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     {0},
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
};

TEST(the_suite_of_aws_is_signed_as_published)
{
    for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct signing s = of_suite(STR("GET"), str_from_c(suite[i].target));
        for (unsigned h = 0; h < 8 && suite[i].headers[h]; h += 2)
            add_header(&s, &a, str_from_c(suite[i].headers[h]),
                       str_from_c(suite[i].headers[h + 1]));
        EXPECT_STR(signature(sign(&s, &a)), suite[i].signature);
        arena_release(&a);
    }
}

TEST(temporary_credentials_bring_their_token)
{
    struct arena a;
    arena_init(&a, 0);
    struct signing s = of_suite(STR("GET"), STR("/"));
    s.credentials.session_token =
        STR("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
    EXPECT_STR(sign(&s, &a),
               "AWS4-HMAC-SHA256 "
               "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
               "SignedHeaders=host;x-amz-date;x-amz-security-token, "
               "Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
    EXPECT_STR(head_get(&s.head.headers, STR("x-amz-security-token")), s.credentials.session_token);
    EXPECT_STR(head_get(&s.head.headers, STR("x-amz-date")), "20150830T123600Z");
    arena_release(&a);
}

/* --- Bedrock (reference vectors of the official JavaScript signer) ---------------------------- */

#define BODY "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]}"
#define MANTLE_BODY                                                                                \
    "{\"model\":\"anthropic.claude-opus-5-5\",\"max_tokens\":16,\"messages\":[{\"role\":\"user\"," \
    "\"content\":\"hi\"}]}"

static const struct {
    const char *target, *body, *token, *service, *host, *canonical, *signature;
} bedrock[] = {
    {"/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", BODY, NULL, NULL, NULL,
     "ce613866e68e978e996cf556a71cc67d2bf5d09f11a8dd3246c1377065c3ced4",
     "af2ba43aebf9fea901c65a57128b1b4d8cc647dc6c74db883fe60408e99cfdff"},
    {"/model/anthropic.claude-sonnet-4-5-20250929-v1:0/converse", BODY, NULL, NULL, NULL,
     "e33fa5f8c42bbe9a8e0fa1d2d33b9d6b3bd8ab45ea59c1507e0d2f8fa4173012",
     "03234305acdfa892b7c37b20dffbd1ca271f3765503724f8604dc424b5870b96"},
    {"/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream", BODY,
     "FQoGZXIvYXdzEXAMPLETOKEN//////////wEaDE+x=", NULL, NULL,
     "f863221b5b6176508431789586ac8b687bef29b84dfd2fb9e3384f3d141f099d",
     "5ea3ffb78b08b6b396b242bfa08e676754709813683b2492dff058eeea3c04f5"},
    {"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
     "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
     BODY, NULL, NULL, NULL, "2a58ca8830a1ae1f634098f1f21baabf7020ca53d5e29d77b008ae3161f10bc0",
     "08431312d4f24d4622fcdb6bf356c7aeff2e60f1629494d3325debfe2fffbc93"},
    {"/model/amazon.titan-embed-text-v2%3A0/invoke", "{\"inputText\":\"hi\"}", NULL, NULL, NULL,
     "31cb7f6dcf74aa818cc929ac59d112e3e3a828edf82e821d3a46aacfd16fc533",
     "f03be7fe0b7affa3c69ca10b23f78e6cd7f110389890956bb98c4da5ad849657"},
    {"/anthropic/v1/messages", MANTLE_BODY, NULL, "bedrock-mantle",
     "bedrock-mantle.us-east-1.api.aws",
     "35b86ff2e73928083bff8da0845e98ed5db4e33c645b21a86f436bdf76717a00",
     "44acef91d0046fbf92910c1f74ddb0c16bd397bac787653baf4cdeb0929362a8"},
    {"/anthropic/v1/messages", MANTLE_BODY, NULL, NULL, NULL,
     "e7ab1a5a3b0b7485f929275435ac13984a373ed2b392ec8dc7c54f17c5481253",
     "481f3bbe1beefe0bbb6567ca488b82a44ed49d4b5930b27796a7b74cb633654d"},
};

static void expect_sha256(str text, const char *hex)
{
    uint8_t digest[SHA256_BYTES];
    char actual[2 * SHA256_BYTES];
    digest_sha256(text, digest);
    digest_hex(digest, actual);
    EXPECT_STR(str_make(actual, sizeof(actual)), hex);
}

TEST(ids_of_bedrock_are_encoded_twice_in_what_is_signed)
{
    for (size_t i = 0; i < sizeof(bedrock) / sizeof(bedrock[0]); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct signing s = of_suite(STR("POST"), str_from_c(bedrock[i].target));
        s.head.authority = bedrock[i].host ? str_from_c(bedrock[i].host)
                                           : STR("bedrock-runtime.us-east-1.amazonaws.com");
        s.service = bedrock[i].service ? str_from_c(bedrock[i].service) : STR("bedrock");
        s.body = str_from_c(bedrock[i].body);
        s.credentials.session_token = str_from_c(bedrock[i].token);
        s.now_s = 1795435200; /* 2026-11-23T12:00:00Z */
        add_header(&s, &a, STR("content-type"), STR("application/json"));
        str authorization = sign(&s, &a);
        struct slice body = SLICE_BORROWED(s.body);
        expect_sha256(sigv4_canonical_request(&s.head, &body, 1, &a), bedrock[i].canonical);
        EXPECT_STR(signature(authorization), bedrock[i].signature);
        arena_release(&a);
    }
}

/* --- Random requests, signed by botocore ------------------------------------------------------ */

static str text_of(const struct json_doc *d, uint32_t object, const char *name, struct arena *a)
{
    str out = STR_NULL;
    uint32_t node = json_member(d, object, str_from_c(name));
    if (json_is(d, node, JSON_STRING) && json_string_decode(d, node, a, &out))
        EXPECT_FAIL("out of memory");
    return out;
}

static void check_vector(str line)
{
    struct arena a;
    struct json_doc d;
    int64_t now_s;
    arena_init(&a, 0);
    EXPECT_EQ(json_parse(&d, &a, line, NULL), ERR_NONE);
    EXPECT(json_to_i64(json_raw(&d, json_member(&d, JSON_ROOT, STR("now"))), &now_s));
    struct signing s = {
        .head = {.method_text = text_of(&d, JSON_ROOT, "method", &a),
                 .authority = text_of(&d, JSON_ROOT, "host", &a),
                 .target = text_of(&d, JSON_ROOT, "target", &a)},
        .body = text_of(&d, JSON_ROOT, "body", &a),
        .region = text_of(&d, JSON_ROOT, "region", &a),
        .service = text_of(&d, JSON_ROOT, "service", &a),
        .credentials = {.access_key_id = text_of(&d, JSON_ROOT, "id", &a),
                        .secret_access_key = text_of(&d, JSON_ROOT, "secret", &a),
                        .session_token = text_of(&d, JSON_ROOT, "token", &a)},
        .now_s = now_s,
    };
    JSON_EACH (pair, &d, json_member(&d, JSON_ROOT, STR("headers"))) {
        str name, value;
        uint32_t first = json_first(&d, pair);
        EXPECT_EQ(json_string_decode(&d, first, &a, &name), ERR_NONE);
        EXPECT_EQ(json_string_decode(&d, json_next(&d, pair, first), &a, &value), ERR_NONE);
        add_header(&s, &a, name, value);
    }
    EXPECT_STR(sign(&s, &a), text_of(&d, JSON_ROOT, "authorization", &a));
    arena_release(&a);
}

TEST(random_requests_are_signed_as_botocore_does)
{
    struct arena a;
    unsigned count = 0;
    arena_init(&a, 0);
    str all = read_file(&a, TEST_DIR "/unit/llm/sigv4/vectors.jsonl");
    while (all.len) {
        str line = str_split(&all, '\n');
        if (line.len) {
            check_vector(line);
            count++;
        }
    }
    EXPECT_EQ(count, 150);
    arena_release(&a);
}

/* --- What it does not do ---------------------------------------------------------------------- */

TEST(fields_that_others_may_change_are_not_signed)
{
    struct arena a;
    arena_init(&a, 0);
    struct signing s = of_suite(STR("GET"), STR("/"));
    add_header(&s, &a, STR("user-agent"), STR("x"));
    add_header(&s, &a, STR("content-length"), STR("0"));
    add_header(&s, &a, STR("traceparent"), STR("00-1-2-3"));
    add_header(&s, &a, STR("X-Forwarded-For"), STR("10.0.0.1"));
    add_header(&s, &a, STR("Proxy-Authorization"), STR("Basic x"));
    EXPECT_STR(signature(sign(&s, &a)),
               "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    arena_release(&a);
}

TEST(without_a_secret_nothing_is_signed)
{
    struct arena a;
    arena_init(&a, 0);
    struct signing s = of_suite(STR("GET"), STR("/"));
    s.credentials.secret_access_key = STR("");
    EXPECT_STR(sign(&s, &a), "refused");
    arena_release(&a);
}

TEST(a_body_in_pieces_is_the_body)
{
    struct arena a;
    arena_init(&a, 0);
    struct signing s = of_suite(STR("POST"), STR("/"));
    struct slice whole = SLICE_BORROWED(STR("Param1=value1"));
    struct slice pieces[] = {SLICE_BORROWED(STR("Param1")), SLICE_BORROWED(STR("")),
                             SLICE_BORROWED(STR("=value1"))};
    str one = sigv4_canonical_request(&s.head, &whole, 1, &a);
    EXPECT_STR(sigv4_canonical_request(&s.head, pieces, 3, &a), one);
    EXPECT(str_ends(one, STR("9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e")));
    arena_release(&a);
}

TEST(no_memory_is_an_answer)
{
    for (size_t budget = 1; budget < 12000; budget += 1000) {
        struct arena a;
        arena_init(&a, budget);
        struct signing s = of_suite(STR("GET"), STR("/?a=b"));
        sign(&s, &a);
        arena_release(&a);
    }
}

TEST(hmac_is_that_of_rfc_4231)
{
    uint8_t mac[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    digest_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), mac);
    digest_hex(mac, hex);
    EXPECT_STR(str_make(hex, sizeof(hex)),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
