/*
 * What `stats` shows of the engine. The server adds what it counts itself.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "fs_engine.h"

#include <inttypes.h>
#include <string.h>

static void stat_number(ADD_STAT add_stat, const void *cookie, const char *key,
                        uint64_t *counter)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64, FS_READ(*counter));
    add_stat(key, (uint16_t)strlen(key), text, (uint32_t)n, cookie);
}

ENGINE_ERROR_CODE fs_get_stats(ENGINE_HANDLE *handle, const void *cookie, const char *key,
                               int nkey, ADD_STAT add_stat)
{
    fs_engine *e = (fs_engine *)handle;
    (void)key;
    if (nkey != 0) {
        return ENGINE_KEY_ENOENT;
    }
    stat_number(add_stat, cookie, "curr_items", &e->stats.items);
    stat_number(add_stat, cookie, "total_items", &e->stats.total);
    stat_number(add_stat, cookie, "bytes", &e->stats.bytes);
    stat_number(add_stat, cookie, "fs_hits", &e->stats.hits);
    stat_number(add_stat, cookie, "fs_misses", &e->stats.misses);
    stat_number(add_stat, cookie, "fs_expired", &e->stats.expired);
    stat_number(add_stat, cookie, "fs_flushed", &e->stats.flushed);
    stat_number(add_stat, cookie, "fs_damaged", &e->stats.damaged);
    stat_number(add_stat, cookie, "fs_failures", &e->stats.failures);
    add_stat("fs_dir", 6, e->path, (uint32_t)strlen(e->path), cookie);
    add_stat("fs_sync", 7, e->sync ? "on" : "off", e->sync ? 2 : 3, cookie);
    return ENGINE_SUCCESS;
}

void fs_reset_stats(ENGINE_HANDLE *handle, const void *cookie)
{
    fs_stats *stats = &((fs_engine *)handle)->stats;
    uint64_t *const counters[] = {&stats->total,   &stats->hits,    &stats->misses,
                                  &stats->expired, &stats->flushed, &stats->damaged,
                                  &stats->failures};
    size_t i;
    (void)cookie;
    for (i = 0; i < sizeof counters / sizeof *counters; i++) {
        __atomic_store_n(counters[i], 0, __ATOMIC_RELAXED);
    }
}
