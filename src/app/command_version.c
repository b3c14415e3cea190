/* `version`: ours, and that of what we stand on. */
#include "app/command.h"

#include <libfyaml.h>
#include <openssl/crypto.h>
#include <uv.h>

int command_version(struct cli *c)
{
    (void)c;
    printf("llm-gateway %s\n", LLM_GATEWAY_VERSION);
    printf("libuv %s, %s, libfyaml %s\n", uv_version_string(), OpenSSL_version(OPENSSL_VERSION),
           fy_library_version());
    return 0;
}
