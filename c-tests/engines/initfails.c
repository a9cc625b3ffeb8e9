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

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    memory *m = memory_table(sizeof *m, get_server_api);
    (void)interface;
    if (m == NULL) {
        return ENGINE_ENOMEM;
    }
    m->table.initialize = initialize;
    m->table.destroy = destroy;
    *handle = (ENGINE_HANDLE *)m;
    return ENGINE_SUCCESS;
}
