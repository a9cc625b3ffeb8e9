/* initialize fails. */
#include "evil.h"

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)handle;
    (void)config;
    return ENGINE_FAILED;
}

EVIL(t->initialize = initialize;)
