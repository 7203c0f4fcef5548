/*
 * Numbers of four 64-bit words, the lowest first: the carries that the 64-bit
 * arithmetic of P-256 is made of.
 *
 * Most of them stand in assembler on x86-64, because gcc 12 moves each carry
 * through a register and back (a product takes 45 ns so, and 15 ns with
 * these). They need nothing beyond the first x86-64. All others get the C
 * beside them, and 32-bit processors, which have no product of 128 bits, that
 * of four smaller ones; both can be had anywhere for a test.
 */
#ifndef CRYPTO_P256_WORDS_H
#define CRYPTO_P256_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(P256_NO_ASM)
#define P256_ASM
#endif
#if defined(__SIZEOF_INT128__) && !defined(P256_NO_WIDE)
#define P256_WIDE
#endif

/* a * b, its high word in *ret_high. */
static inline uint64_t
word_mul(uint64_t a, uint64_t b, uint64_t *ret_high)
{
#ifdef P256_WIDE
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	*ret_high = (uint64_t)(p >> 64);
	return (uint64_t)p;
#else
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (uint32_t)m1;

	*ret_high = ah * bh + (m1 >> 32) + (m2 >> 32);
	return m2 << 32 | (uint32_t)low;
#endif
}

/* *a += b + carry; the carry. */
static inline unsigned
word_add(uint64_t *a, uint64_t b, unsigned carry)
{
	bool over = __builtin_add_overflow(*a, b, a);

	return (unsigned)over | __builtin_add_overflow(*a, carry, a);
}

/* *a -= b + borrow; the borrow. */
static inline unsigned
word_sub(uint64_t *a, uint64_t b, unsigned borrow)
{
	bool under = __builtin_sub_overflow(*a, b, a);

	return (unsigned)under | __builtin_sub_overflow(*a, borrow, a);
}

/* The three words c += a * b. The third one must have room. */
static inline void
word_mac(uint64_t *c0, uint64_t *c1, uint64_t *c2, uint64_t a, uint64_t b)
{
	uint64_t high, low = word_mul(a, b, &high);

#ifdef P256_ASM
	__asm__("addq %3, %0\n\tadcq %4, %1\n\tadcq $0, %2"
	    : "+&r"(*c0), "+&r"(*c1), "+&r"(*c2) : "r"(low), "r"(high) : "cc");
#else
	*c2 += word_add(c1, high, word_add(c0, low, 0));
#endif
}

/* The same where it is known that no third word is needed. */
static inline void
word_mac2(uint64_t *c0, uint64_t *c1, uint64_t a, uint64_t b)
{
	uint64_t high, low = word_mul(a, b, &high);

#ifdef P256_ASM
	__asm__("addq %2, %0\n\tadcq %3, %1" : "+&r"(*c0), "+&r"(*c1) : "r"(low), "r"(high) : "cc");
#else
	*c1 += high + word_add(c0, low, 0);
#endif
}

/* a += b; the carry. */
static inline uint64_t
words_add(uint64_t a[static 4], const uint64_t b[static 4])
{
#ifdef P256_ASM
	uint64_t carry = 0;

	__asm__("addq %5, %0\n\tadcq %6, %1\n\tadcq %7, %2\n\tadcq %8, %3\n\tadcq $0, %4"
	    : "+&r"(a[0]), "+&r"(a[1]), "+&r"(a[2]), "+&r"(a[3]), "+&r"(carry)
	    : "re"(b[0]), "re"(b[1]), "re"(b[2]), "re"(b[3]) : "cc");
	return carry;
#else
	unsigned carry = 0;

	for (int i = 0; i < 4; i++)
		carry = word_add(&a[i], b[i], carry);
	return carry;
#endif
}

/* a += b + carry, which is known to have room. */
static inline void
words_add_with(uint64_t a[static 4], const uint64_t b[static 4], uint64_t carry)
{
#ifdef P256_ASM
	__asm__("addq $-1, %4\n\tadcq %5, %0\n\tadcq %6, %1\n\tadcq %7, %2\n\tadcq %8, %3"
	    : "+&r"(a[0]), "+&r"(a[1]), "+&r"(a[2]), "+&r"(a[3]), "+&r"(carry)
	    : "re"(b[0]), "re"(b[1]), "re"(b[2]), "re"(b[3]) : "cc");
#else
	for (int i = 0; i < 4; i++)
		carry = word_add(&a[i], b[i], (unsigned)carry);
#endif
}

/* a -= b; all ones if that borrowed, else 0. */
static inline uint64_t
words_sub(uint64_t a[static 4], const uint64_t b[static 4])
{
#ifdef P256_ASM
	uint64_t mask;

	__asm__("subq %5, %0\n\tsbbq %6, %1\n\tsbbq %7, %2\n\tsbbq %8, %3\n\tsbbq %4, %4"
	    : "+&r"(a[0]), "+&r"(a[1]), "+&r"(a[2]), "+&r"(a[3]), "=&r"(mask)
	    : "re"(b[0]), "re"(b[1]), "re"(b[2]), "re"(b[3]) : "cc");
	return mask;
#else
	unsigned borrow = 0;

	for (int i = 0; i < 4; i++)
		borrow = word_sub(&a[i], b[i], borrow);
	return 0 - (uint64_t)borrow;
#endif
}

/* (gcc 12 would gather the words in a vector register first, by way of the stack.) */
static inline void
words_store(uint64_t r[static 4], const uint64_t a[static 4])
{
#ifdef P256_ASM
	__asm__("movq %4, %0\n\tmovq %5, %1\n\tmovq %6, %2\n\tmovq %7, %3"
	    : "=m"(r[0]), "=m"(r[1]), "=m"(r[2]), "=m"(r[3])
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]));
#else
	for (int i = 0; i < 4; i++)
		r[i] = a[i];
#endif
}

/*
 * r = a + top * 2^256, which must be below twice the modulus, modulo the
 * modulus: less the modulus, unless that borrows from top.
 */
static inline void
words_reduce(uint64_t r[static 4], const uint64_t a[static 4], uint64_t top,
    const uint64_t modulus[static 4])
{
	uint64_t less[4] = { a[0], a[1], a[2], a[3] };
#ifdef P256_ASM
	__asm__("subq %9, %0\n\tsbbq %10, %1\n\tsbbq %11, %2\n\tsbbq %12, %3\n\tsbbq $0, %4\n\t"
	    "cmovcq %5, %0\n\tcmovcq %6, %1\n\tcmovcq %7, %2\n\tcmovcq %8, %3"
	    : "+&r"(less[0]), "+&r"(less[1]), "+&r"(less[2]), "+&r"(less[3]), "+&r"(top)
	    : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]),
	    "re"(modulus[0]), "re"(modulus[1]), "re"(modulus[2]), "re"(modulus[3]) : "cc");
#else
	uint64_t keep = words_sub(less, modulus) & (top - 1);

	for (int i = 0; i < 4; i++)
		less[i] ^= (a[i] ^ less[i]) & keep;
#endif
	words_store(r, less);
}

/* Is a below b? */
static inline bool
words_below(const uint64_t a[static 4], const uint64_t b[static 4])
{
	uint64_t d[4] = { a[0], a[1], a[2], a[3] };

	return words_sub(d, b) != 0;
}

static inline bool
words_are_zero(const uint64_t a[static 4])
{
	return (a[0] | a[1] | a[2] | a[3]) == 0;
}

/* From 32 octets, big-endian. */
static inline void
words_read(uint64_t a[static 4], const uint8_t octets[static 32])
{
	for (int i = 0; i < 4; i++) {
		a[i] = 0;
		for (int j = 0; j < 8; j++)
			a[i] = a[i] << 8 | octets[8 * (3 - i) + j];
	}
}

#endif
