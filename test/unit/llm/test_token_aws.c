#include "llm/token_source.h"

#include "llm/aws_profile.h"
#include "llm/aws_sts.h"
#include "support/test.h"
#include "token_rig.h"

static void start(struct token_rig *t)
{
    token_rig_init(t, &token_aws);
    t->conf.region = STR("eu-west-1");
    token_rig_set(t, "HOME", "/h");
}

static void expect_begin(struct token_rig *t, const char *told)
{
    EXPECT_STR(token_rig_begin(t), told);
    token_rig_release(t);
}

/* --- Keys at hand --------------------------------------------------------------------------- */

TEST(own_keys_come_first)
{
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_ACCESS_KEY_ID", "AKENV");
    token_rig_set(&t, "AWS_SECRET_ACCESS_KEY", "secret-env");
    t.conf.aws.access_key_id = STR("AKOWN");
    t.conf.aws.secret_access_key = STR("secret-own");
    expect_begin(&t, "DONE AKOWN secret-own  0");
}

TEST(keys_of_the_environment)
{
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_ACCESS_KEY_ID", "AKENV");
    token_rig_set(&t, "AWS_SECRET_ACCESS_KEY", "secret-env");
    token_rig_set(&t, "AWS_SESSION_TOKEN", "tok");
    token_rig_file(&t, "/h/.aws/credentials",
                   "[default]\naws_access_key_id=AK\naws_secret_access_key=s\n");
    expect_begin(&t, "DONE AKENV secret-env tok 0");
}

TEST(a_profile_that_is_named_in_the_settings_is_before_the_environment)
{
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_ACCESS_KEY_ID", "AKENV");
    token_rig_set(&t, "AWS_SECRET_ACCESS_KEY", "secret-env");
    token_rig_file(&t, "/h/.aws/credentials",
                   "[default]\naws_access_key_id=AK\naws_secret_access_key=s\n"
                   "[work]\n# comment\naws_access_key_id = AKW ; mine\n"
                   "aws_secret_access_key = a/b+c=d\naws_session_token=tok\n");
    t.conf.aws.profile = STR("work");
    expect_begin(&t, "DONE AKW a/b+c=d tok 0");
}

TEST(the_default_profile_and_that_of_the_environment)
{
    static const char text[] = "[default]\r\naws_access_key_id=AK\r\naws_secret_access_key=s\r\n"
                               "[two]\r\naws_access_key_id=AK2\r\naws_secret_access_key=s2\r\n";
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/credentials", text);
    expect_begin(&t, "DONE AK s  0");
    start(&t);
    token_rig_set(&t, "AWS_PROFILE", "two");
    token_rig_set(&t, "AWS_SHARED_CREDENTIALS_FILE", "/c");
    token_rig_file(&t, "/c", text);
    expect_begin(&t, "DONE AK2 s2  0");
    start(&t);
    token_rig_set(&t, "AWS_PROFILE", "three");
    token_rig_file(&t, "/h/.aws/credentials", text);
    expect_begin(&t, "FAILED there is no profile three in AWS's config and credentials files");
}

TEST(keys_of_two_files_are_not_mixed)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/credentials", "[default]\naws_access_key_id=A\n");
    token_rig_file(&t, "/h/.aws/config",
                   "[default]\naws_access_key_id=B\naws_secret_access_key=b\n");
    expect_begin(&t, "DONE B b  0");
}

TEST(what_needs_a_browser_or_a_program_is_named)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config", "[profile dev]\nsso_session = corp\n");
    t.conf.aws.profile = STR("dev");
    expect_begin(&t, "FAILED profile dev has no keys: sso_session is not supported");
    start(&t);
    token_rig_file(&t, "/h/.aws/config", "[default]\ncredential_process = /bin/x\n");
    expect_begin(&t, "FAILED profile default has no keys: credential_process is not supported");
}

/* --- Roles ---------------------------------------------------------------------------------- */

#define STS_ANSWER(id)                                                                             \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"   \
    "<AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>\n  <AccessKeyId>" id           \
    "</AccessKeyId><SecretAccessKey>sec</SecretAccessKey><SessionToken>tok/+==</SessionToken>"     \
    "<Expiration>2026-11-23T13:00:00Z</Expiration></Credentials></AssumeRoleResult>"               \
    "</AssumeRoleResponse>"

TEST(a_role_of_a_profile_is_assumed_with_its_source)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config",
                   "[profile prod]\nrole_arn = arn:aws:iam::1:role/gw\nsource_profile = base\n"
                   "external_id = e 1\nrole_session_name = me\nduration_seconds = 900\n");
    token_rig_file(&t, "/h/.aws/credentials",
                   "[base]\naws_access_key_id=AKB\naws_secret_access_key=sb\n");
    t.conf.aws.profile = STR("prod");
    const char *asked = token_rig_begin(&t);
    EXPECT_CONTAINS(asked, "POST https://sts.eu-west-1.amazonaws.com"
                           " | content-type: application/x-www-form-urlencoded"
                           " | x-amz-date: 20261123T120000Z | authorization: AWS4-HMAC-SHA256 "
                           "Credential=AKB/20261123/eu-west-1/sts/aws4_request, "
                           "SignedHeaders=content-type;host;x-amz-date, Signature=");
    EXPECT(str_ends(str_from_c(asked),
                    STR(" | Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
                        "role%2Fgw&RoleSessionName=me&DurationSeconds=900&ExternalId=e%201")));
    EXPECT_STR(token_rig_answer(&t, 200, STS_ANSWER("ASIA1")), "DONE ASIA1 sec tok/+== 1795438800");
    token_rig_release(&t);
}

TEST(roles_are_assumed_one_with_the_other)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config",
                   "[profile a]\nrole_arn = role-a\nsource_profile = b\n"
                   "[profile b]\nrole_arn = role-b\nsource_profile = c\n"
                   "[profile c]\naws_access_key_id=AKC\naws_secret_access_key=sc\n");
    t.conf.aws.profile = STR("a");
    t.conf.aws.role = STR("role-own");
    EXPECT_CONTAINS(token_rig_begin(&t), "RoleArn=role-b&");
    const char *asked = token_rig_answer(&t, 200, STS_ANSWER("ASIAB"));
    EXPECT_CONTAINS(asked, "RoleArn=role-a&");
    EXPECT_CONTAINS(asked, "Credential=ASIAB/");
    EXPECT_CONTAINS(asked, "x-amz-security-token: tok/+==");
    asked = token_rig_answer(&t, 200, STS_ANSWER("ASIAA"));
    EXPECT_CONTAINS(asked, "RoleArn=role-own&");
    EXPECT_CONTAINS(asked, "Credential=ASIAA/");
    EXPECT_STR(token_rig_answer(&t, 200, STS_ANSWER("ASIAO")), "DONE ASIAO sec tok/+== 1795438800");
    token_rig_release(&t);
}

TEST(roles_in_a_circle_end)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config",
                   "[profile a]\nrole_arn = role-a\nsource_profile = b\n"
                   "[profile b]\nrole_arn = role-b\nsource_profile = a\n");
    t.conf.aws.profile = STR("a");
    EXPECT_CONTAINS(token_rig_begin(&t), "too many roles in a row, or in a circle");
    token_rig_release(&t);
}

TEST(a_refused_role_says_why)
{
    struct token_rig t;
    start(&t);
    t.conf.aws.access_key_id = STR("AK");
    t.conf.aws.secret_access_key = STR("s");
    t.conf.aws.role = STR("arn:aws:iam::1:role/x");
    EXPECT_CONTAINS(token_rig_begin(&t), "RoleSessionName=llm-gateway");
    EXPECT_STR(token_rig_answer(&t, 403,
                                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied"
                                "</Code><Message>User: x is not authorized</Message></Error>"
                                "</ErrorResponse>"),
               "FAILED AssumeRole answered 403: AccessDenied User: x is not authorized");
    EXPECT_STR(token_rig_answer(&t, 200, "<html>"), "FAILED AssumeRole answered without "
                                                    "credentials");
    EXPECT_STR(token_rig_answer(&t, 0, "timeout"), "FAILED AssumeRole: timeout");
    token_rig_release(&t);
}

TEST(web_identity_of_the_environment)
{
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token");
    token_rig_set(&t, "AWS_ROLE_ARN", "arn:aws:iam::1:role/pod");
    token_rig_file(&t, "/var/token", "eyJ.a.b\n");
    EXPECT_STR(token_rig_begin(&t),
               "POST https://sts.eu-west-1.amazonaws.com"
               " | content-type: application/x-www-form-urlencoded"
               " | Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
               "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fpod&RoleSessionName=llm-gateway"
               "&WebIdentityToken=eyJ.a.b");
    EXPECT_STR(token_rig_answer(&t, 200, STS_ANSWER("ASIAW")), "DONE ASIAW sec tok/+== 1795438800");
    token_rig_release(&t);
}

TEST(web_identity_of_a_profile_and_its_file_missing)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config",
                   "[profile w]\nrole_arn = r\nweb_identity_token_file = /t\n");
    t.conf.aws.profile = STR("w");
    expect_begin(&t, "FAILED cannot read the web identity's token in /t");
}

TEST(the_token_service_has_an_address_per_region)
{
    EXPECT_STR(aws_dns_suffix(STR("cn-north-1")), "amazonaws.com.cn");
    EXPECT_STR(aws_dns_suffix(STR("us-gov-west-1")), "amazonaws.com");
    EXPECT_STR(aws_dns_suffix(STR("eusc-de-east-1")), "amazonaws.eu");
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4566/");
    t.conf.aws = (struct aws_conf){
        .access_key_id = STR("AK"), .secret_access_key = STR("s"), .role = STR("r")};
    EXPECT_CONTAINS(token_rig_begin(&t), "POST http://127.0.0.1:4566/ | ");
    token_rig_release(&t);
}

/* --- Container and instance ----------------------------------------------------------------- */

#define KEYS                                                                                       \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAM\",\"SecretAccessKey\":\"sm\",\"Token\":\"tm\"," \
    "\"Expiration\":\"2026-11-23T18:00:00Z\"}"

TEST(a_container_is_asked_where_it_says)
{
    struct token_rig t;
    start(&t);
    token_rig_set(&t, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
    EXPECT_STR(token_rig_begin(&t), "GET http://169.254.170.2/v2/credentials/1 | ");
    EXPECT(t.run.request.local);
    EXPECT_STR(token_rig_answer(&t, 200, KEYS), "DONE ASIAM sm tm 1795456800");
    EXPECT_STR(token_rig_answer(&t, 400, "{\"Code\":\"InvalidId\",\"Message\":\"no\"}"),
               "FAILED the container's credentials service answered 400 InvalidId no");
    token_rig_release(&t);
    start(&t);
    token_rig_set(&t, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    token_rig_set(&t, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/tok");
    token_rig_file(&t, "/tok", "abc\n");
    expect_begin(&t, "GET http://169.254.170.23/v1/credentials | authorization: abc | ");
}

TEST(a_containers_token_goes_nowhere_else_unencrypted)
{
    static const struct {
        const char *url;
        bool ok;
    } rows[] = {
        {"http://127.0.0.1:80/x", true},   {"http://localhost/x", true},
        {"http://[::1]/x", true},          {"http://[fd00:ec2::23]/x", true},
        {"https://example.com/x", true},   {"http://example.com/x", false},
        {"http://169.254.170.3/x", false}, {"http://10.0.0.1/x", false},
        {"ftp://127.0.0.1/x", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct token_rig t;
        start(&t);
        token_rig_set(&t, "AWS_CONTAINER_CREDENTIALS_FULL_URI", rows[i].url);
        EXPECT_EQ(token_begin(&t.run), rows[i].ok ? TOKEN_ASK : TOKEN_FAILED);
        token_rig_release(&t);
    }
}

TEST(an_instance_is_asked_in_three_steps)
{
    struct token_rig t;
    start(&t);
    EXPECT_STR(token_rig_begin(&t), "PUT http://169.254.169.254/latest/api/token"
                                    " | x-aws-ec2-metadata-token-ttl-seconds: 21600 | ");
    EXPECT(t.run.request.local);
    EXPECT_STR(token_rig_answer(&t, 200, "SESSION=="),
               "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/"
               " | x-aws-ec2-metadata-token: SESSION== | ");
    EXPECT_STR(token_rig_answer(&t, 200, "my role\n"),
               "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/my%20role"
               " | x-aws-ec2-metadata-token: SESSION== | ");
    EXPECT_STR(token_rig_answer(&t, 200, KEYS), "DONE ASIAM sm tm 1795456800");
    token_rig_release(&t);
}

TEST(an_instance_without_role_and_a_machine_that_is_no_instance)
{
    struct token_rig t;
    start(&t);
    token_rig_begin(&t);
    EXPECT_STR(token_rig_answer(&t, 0, "connect_timeout"),
               "FAILED no credentials in settings, environment, profile, web identity or "
               "container, and no metadata service of an instance: connect_timeout");
    token_rig_begin(&t);
    token_rig_answer(&t, 200, "S");
    EXPECT_STR(token_rig_answer(&t, 404, ""), "FAILED the instance has no role");
    token_rig_begin(&t);
    EXPECT_STR(token_rig_answer(&t, 403, ""),
               "FAILED the instance's metadata service answered 403 to a session");
    token_rig_set(&t, "AWS_EC2_METADATA_DISABLED", "true");
    EXPECT_CONTAINS(token_rig_begin(&t), "FAILED no credentials in settings");
    token_rig_release(&t);
}

TEST(a_credential_source_is_followed)
{
    struct token_rig t;
    start(&t);
    token_rig_file(&t, "/h/.aws/config",
                   "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n");
    EXPECT_CONTAINS(token_rig_begin(&t), "PUT http://169.254.169.254/");
    token_rig_answer(&t, 200, "S");
    token_rig_answer(&t, 200, "role");
    EXPECT_CONTAINS(token_rig_answer(&t, 200, KEYS), "Credential=ASIAM/");
    EXPECT_STR(token_rig_answer(&t, 200, STS_ANSWER("ASIAR")), "DONE ASIAR sec tok/+== 1795438800");
    token_rig_release(&t);
}

/* --- The files' text ------------------------------------------------------------------------ */

TEST(sections_and_settings_of_the_shared_files)
{
    static const char config[] = "; comment\n[default]\nregion=eu-north-1\n"
                                 "s3 =\n  region = inner\n  max = 2\n"
                                 "[profile \"two words\"]\nRegion : us-west-2 # far\n"
                                 "[profilex]\nregion=wrong\n[sso-session corp]\nregion=other\n"
                                 "[profile last]\n  region = indented";
    str text = str_from_c(config), name = STR("region");
    EXPECT_STR(aws_profile_get(text, AWS_FILE_CONFIG, STR("default"), name), "eu-north-1");
    EXPECT_STR(aws_profile_get(text, AWS_FILE_CONFIG, STR("two words"), name), "us-west-2");
    EXPECT_STR(aws_profile_get(text, AWS_FILE_CONFIG, STR("last"), name), "indented");
    EXPECT(str_is_null(aws_profile_get(text, AWS_FILE_CONFIG, STR("corp"), name)));
    EXPECT(!aws_profile_exists(text, AWS_FILE_CONFIG, STR("x")));
    EXPECT(aws_profile_exists(text, AWS_FILE_CONFIG, STR("last")));
    EXPECT(aws_profile_exists(STR("[x]"), AWS_FILE_CREDENTIALS, STR("x")));
    EXPECT(!aws_profile_exists(STR("[profile x]"), AWS_FILE_CREDENTIALS, STR("x")));
    EXPECT(!aws_profile_exists(STR_NULL, AWS_FILE_CONFIG, STR("default")));
    EXPECT(!aws_profile_exists(STR("[\n]\n[]"), AWS_FILE_CONFIG, STR("default")));
}
