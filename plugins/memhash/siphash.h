/*
 * The hash function of memhash.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stdint.h>
#include <string.h>

/*
 * SipHash-1-3, seeded at random: whoever chooses the keys cannot choose where they go,
 * and so cannot make one long chain of them.
 */
#define ROTL(x, n) ((x) << (n) | (x) >> (64 - (n)))

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = ROTL(v[1], 13) ^ v[0];
    v[0] = ROTL(v[0], 32);
    v[2] += v[3];
    v[3] = ROTL(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = ROTL(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = ROTL(v[1], 17) ^ v[2];
    v[2] = ROTL(v[2], 32);
}

static inline uint64_t siphash(const uint64_t seed[2], const char *key, uint32_t keylen)
{
    uint64_t v[4] = {
        seed[0] ^ 0x736f6d6570736575U, seed[1] ^ 0x646f72616e646f6dU,
        seed[0] ^ 0x6c7967656e657261U, seed[1] ^ 0x7465646279746573U};
    uint64_t word;
    uint32_t left = keylen;
    for (; left >= 8; left -= 8, key += 8) {
        memcpy(&word, key, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, key, left);
    word ^= (uint64_t)keylen << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
