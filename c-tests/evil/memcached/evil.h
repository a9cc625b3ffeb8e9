/*
 * What the broken engines of memcached's interface are made of: the engine in memory of
 * ../../engines/memory.h, of which each changes something. EVIL says what: statements, with
 * the table as t.
 */
#ifndef EVIL_H
#define EVIL_H

#include "../../engines/memory.h"

#define EVIL(changes)                                                                          \
    MEMCACHED_PUBLIC_API ENGINE_ERROR_CODE create_instance(                                    \
        uint64_t interface, GET_SERVER_API get_server_api, ENGINE_HANDLE **handle);            \
    ENGINE_ERROR_CODE create_instance(uint64_t interface, GET_SERVER_API get_server_api,       \
                                      ENGINE_HANDLE **handle)                                  \
    {                                                                                          \
        memory *m = memory_table(sizeof *m, get_server_api);                                   \
        ENGINE_HANDLE_V1 *t = &m->table;                                                       \
        (void)interface;                                                                       \
        changes *handle = (ENGINE_HANDLE *)t;                                                  \
        return ENGINE_SUCCESS;                                                                 \
    }

#endif
