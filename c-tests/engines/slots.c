/* One place of the table is NULL that must not be: -DSLOT=get, and so on. */
#include "memory.h"

#ifndef SLOT
#define SLOT get
#endif

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
    m->table.SLOT = NULL;
    *handle = (ENGINE_HANDLE *)m;
    return ENGINE_SUCCESS;
}
