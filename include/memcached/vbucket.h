/*
 * memcached/vbucket.h: the states of a vbucket. Kumo has one vbucket, number 0, and it is
 * active; the names are here for engines that have a table of them.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MEMCACHED_VBUCKET_H
#define MEMCACHED_VBUCKET_H

typedef enum {
    vbucket_state_active = 1,
    vbucket_state_replica,
    vbucket_state_pending,
    vbucket_state_dead
} vbucket_state_t;

#define is_valid_vbucket_state_t(state)                                                            \
    ((state) >= vbucket_state_active && (state) <= vbucket_state_dead)

#endif
