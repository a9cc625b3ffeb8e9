/* destroy leaves a descriptor open. */
#include "evil.h"

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)handle;
    (void)config;
    return fopen("/dev/null", "r") == NULL ? ENGINE_FAILED : ENGINE_SUCCESS;
}

EVIL(t->initialize = initialize;)
