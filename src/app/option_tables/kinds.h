/* Types of values that are more than a number or a text: addresses, networks, secrets, dates. */
#ifndef APP_OPTION_TABLES_KINDS_H
#define APP_OPTION_TABLES_KINDS_H

#include "base/option.h"

extern const struct option_kind kind_address;     /* struct listen_conf */
extern const struct option_kind kind_workers;     /* unsigned; "auto": the processor's cores */
extern const struct option_kind kind_network;     /* struct network_conf */
extern const struct option_kind kind_tls_version; /* unsigned: TLS1_2_VERSION, TLS1_3_VERSION */
extern const struct option_kind kind_key;         /* uint8_t[32]: a secret as its SHA-256 */
extern const struct option_kind kind_sha256;      /* uint8_t[32]: in hex */
extern const struct option_kind kind_date;        /* int64_t: seconds since 1970 */

/* Checks of texts: NULL, or what is wrong. */
const char *check_header_name(str name);
const char *check_header_value(str value);
const char *check_secret(str value);     /* provider's key: goes into a header */
const char *check_own_secret(str value); /* ours: also long enough and no placeholder */
const char *check_no_placeholder(str value);
const char *check_endpoint_glob(str value); /* "chat", "audio_*" */
const char *check_name(str name);           /* of providers and keys */
const char *check_model_name(str name);
const char *check_origin(str value);
const char *check_path_segment(str value);
const char *check_secure_url(str value); /* https, or http on this host */
const char *check_region(str value);     /* becomes a part of a host's name */

#endif
