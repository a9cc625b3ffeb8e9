/*
 * Described, SERIALIZED, and on the watch: two calls at once, a finalizer among them, end
 * the process. The engine is example 1.
 */
#include <kumo_storage.h>
#define kumo_plugin_init smallest_plugin_init
#include "../../plugins/examples/1-smallest.c"
#undef kumo_plugin_init
#include "watch.h"

static int calls; /* atomic */

static void begin(void)
{
    if (__atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST) != 0) {
        host->log(KUMO_LOG_ERROR, "serialized.c: two calls at once");
        abort();
    }
}

static void end(void)
{
    __atomic_fetch_sub(&calls, 1, __ATOMIC_SEQ_CST);
}

static void loaded(void)
{
}

WATCHED("serialized", KUMO_THREAD_SERIALIZED)
