/* destroy leaves a thread. */
#include "evil.h"

#include <unistd.h>

static void *work(void *arg)
{
    for (;;) {
        pause();
    }
    return arg;
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    pthread_t thread;
    (void)handle;
    (void)config;
    return pthread_create(&thread, NULL, work, NULL) == 0 ? ENGINE_SUCCESS : ENGINE_FAILED;
}

EVIL(t->initialize = initialize;)
