/*
 * Described, SINGLE, and on the watch: a call from another thread than the first one's, or
 * from the one that loaded the plugin, ends the process; finalizers too. The engine is
 * example 1. It serves one instance.
 */
#include <kumo_storage.h>
#define kumo_plugin_init smallest_plugin_init
#include "../../plugins/examples/1-smallest.c"
#undef kumo_plugin_init
#include "watch.h"

static char loader, the_one;        /* their addresses mark threads */
static __thread const char *marked; /* what this thread is */
static bool known;                  /* atomic: the one thread has been seen */

static void begin(void)
{
    if (marked == NULL && !__atomic_exchange_n(&known, true, __ATOMIC_SEQ_CST)) {
        marked = &the_one;
    }
    if (marked != &the_one) {
        host->log(KUMO_LOG_ERROR, "single.c: a call from a second thread, or from the loader's");
        abort();
    }
}

static void end(void)
{
}

static void loaded(void)
{
    marked = &loader;
}

WATCHED("single", KUMO_THREAD_SINGLE)
