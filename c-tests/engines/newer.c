/* The handle is of an interface that nobody knows: only destroy may be called. */
#include "memory.h"

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)handle;
    (void)config;
    record("newer: initialize");
    return ENGINE_SUCCESS;
}

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    record("newer: destroy");
    memory_destroy(handle, force);
}

MEMORY_ENGINE(memory, t->interface.interface = interface + 1;
              t->initialize = initialize;
              t->destroy = destroy;)
