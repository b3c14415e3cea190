/* Signatures by RSA keys: RSASSA-PKCS1-v1_5 over SHA-256, "RS256" of JSON Web Tokens. */
#ifndef BASE_RSA_H
#define BASE_RSA_H

#include "base/buf.h"

/* Appends the signature of `text` by a private key in PEM (PKCS#8 or PKCS#1, not encrypted).  False:
 * that is no RSA key, or memory is out.  A millisecond's work. */
bool rsa_sha256_sign(str pem, str text, struct buf *signature) must_check;

#endif
