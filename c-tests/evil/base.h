/*
 * What the bad plugins share: a table that works, the one of smallest.c, as
 * base_storage_init(). Each of them spoils one thing about it.
 */
#ifndef BASE_H
#define BASE_H

#define kumo_storage_init base_storage_init
#include "../smallest.c"
#undef kumo_storage_init

KUMO_EXPORT kumo_storage_op kumo_storage_init(void);

/* A good description of the table. */
static inline kumo_plugin base_plugin(const char *name)
{
    kumo_plugin plugin = {
        sizeof plugin, KUMO_ABI_VERSION, KUMO_THREAD_PARALLEL, 0, name, "1.0.0", "a bad plugin",
        base_storage_init()};
    return plugin;
}

#endif
