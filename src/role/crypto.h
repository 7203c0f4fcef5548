/*
 * How a role verifies signatures: `.crypto = &role_crypto` in the definition
 * of each that does. The parent says how before the configuration comes, and
 * restarts the role when a reload says otherwise; sekisho status tells it.
 */
#ifndef ROLE_CRYPTO_H
#define ROLE_CRYPTO_H

#include "role/role.h"

extern const struct role_crypto role_crypto;

#endif
