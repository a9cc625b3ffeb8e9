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

MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(uint64_t interface,
                                                       GET_SERVER_API get_server_api,
                                                       ENGINE_HANDLE **handle);

ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,
                                  ENGINE_HANDLE **handle)
{
    memory *m = memory_table(sizeof *m, get_server_api);
    if (m == NULL) {
        return ENGINE_ENOMEM;
    }
    m->table.interface.interface = interface + 1;
    m->table.initialize = initialize;
    m->table.destroy = destroy;
    *handle = (ENGINE_HANDLE *)m;
    return ENGINE_SUCCESS;
}
