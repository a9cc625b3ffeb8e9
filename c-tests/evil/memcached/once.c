/* It can be initialized once in a process. */
#include "evil.h"

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    static int times;
    (void)handle;
    (void)config;
    return times++ == 0 ? ENGINE_SUCCESS : ENGINE_FAILED;
}

EVIL(t->initialize = initialize;)
