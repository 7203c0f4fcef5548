/*
 * Arithmetic is inlined, whatever the compiler thinks of its size. Not under
 * the sanitizers, which watch each step: clang 14 needs 47 s for p256_ifma.c
 * then, and 2 s for it as functions (November 2026).
 */
#ifndef CRYPTO_INLINE_H
#define CRYPTO_INLINE_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CRYPTO_WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CRYPTO_WATCHED
#endif

#ifdef CRYPTO_WATCHED
#define CRYPTO_INLINE	static inline
#else
#define CRYPTO_INLINE	static inline __attribute__((always_inline))
#endif

#endif
