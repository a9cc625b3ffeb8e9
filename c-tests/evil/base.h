/*
 * What the bad plugins share: a table that works, the one of smallest.c, as
 * base_storage_init(). Each of them spoils one thing about it.
 */
#ifndef BASE_H
#define BASE_H

#define _POSIX_C_SOURCE 200809L

#define kumo_storage_init base_storage_init
#include "../smallest.c"
#undef kumo_storage_init

#include <stdio.h>
#include <time.h>
#include <unistd.h>

KUMO_EXPORT kumo_storage_op kumo_storage_init(void);

/* Lets other threads get in between, so that a race shows. */
static inline void gap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1}, NULL);
}

/* A good description of the table. */
static inline kumo_plugin base_plugin(const char *name)
{
    kumo_plugin plugin = {.struct_size = sizeof plugin,
                          .abi_version = KUMO_ABI_VERSION,
                          .thread_model = KUMO_THREAD_PARALLEL,
                          .caps = KUMO_CAP_VOLATILE | KUMO_CAP_REENTRANT_SCAN,
                          .name = name,
                          .version = "1.0.0",
                          .description = "a bad plugin",
                          .op = base_storage_init()};
    plugin.op.backup = NULL; /* it has none: the host's will do */
    return plugin;
}

/* SPOILED(op->set = my_set;): a classic plugin, but for that. */
#define SPOILED(...)                                                                               \
    kumo_storage_op kumo_storage_init(void)                                                        \
    {                                                                                              \
        kumo_storage_op table = base_storage_init(), *op = &table;                                 \
        __VA_ARGS__                                                                                \
        return table;                                                                              \
    }

/* The same, described; `plugin` is its description, and `base_host` the host. */
#define SPOILED_PLUGIN(its_name, ...)                                                              \
    const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)                  \
    {                                                                                              \
        static kumo_plugin described;                                                              \
        kumo_plugin *plugin = &described;                                                          \
        kumo_storage_op *op = &plugin->op;                                                         \
        (void)host_abi, (void)op;                                                                  \
        base_host = host;                                                                          \
        described = base_plugin(its_name);                                                         \
        __VA_ARGS__                                                                                \
        return plugin;                                                                             \
    }

static const kumo_host *base_host;

static inline const kumo_host *base_host_used(void)
{
    return base_host;
}

#endif
