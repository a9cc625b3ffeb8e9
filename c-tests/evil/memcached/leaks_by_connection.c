/* What ON_CONNECT allocates for a client is never freed. */
#include "evil.h"

static void connected(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                      const void *cb_data)
{
    union { /* the interface has it const */
        const void *in;
        memory *out;
    } m;
    (void)type;
    (void)event_data;
    m.in = cb_data;
    m.out->server->cookie->store_engine_specific(cookie, malloc(100));
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    (void)config;
    memory_of(handle)->server->callback->register_callback(handle, ON_CONNECT, connected, handle);
    return ENGINE_SUCCESS;
}

EVIL(t->initialize = initialize;)
