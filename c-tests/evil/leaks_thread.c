/* open starts a thread that close does not end. */
#include "base.h"

static void *sleep_on(void *unused)
{
    for (;;) {
        sleep(1000);
    }
    return unused;
}

static bool open_starts(void *l, const char *path)
{
    pthread_t thread;
    return open_(l, path) && pthread_create(&thread, NULL, sleep_on, NULL) == 0 &&
           pthread_detach(thread) == 0;
}

SPOILED_PLUGIN("leaks_thread", op->open = open_starts;)
