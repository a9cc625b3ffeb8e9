/*
 * initialize fails: with ENGINE_ENOMEM if the configuration is "enomem", else with
 * ENGINE_FAILED. Then destroy must be called, and nothing else.
 */
#include "memory.h"

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)handle;
    record("initfails: initialize");
    return config != NULL && strcmp(config, "enomem") == 0 ? ENGINE_ENOMEM : ENGINE_FAILED;
}

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    record("initfails: destroy");
    memory_destroy(handle, force);
}

MEMORY_ENGINE(memory, t->initialize = initialize;
              t->destroy = destroy;)
