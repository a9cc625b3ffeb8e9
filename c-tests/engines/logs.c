/*
 * Uses the log. initialize logs a line of every level, "logs: LEVEL ...", to the server's
 * logger; registers a logger of its own, which records what it is given; and asks to be
 * told of new levels. A store of the key "level" sets the level that its value is, 0 to 3.
 * A store of the key "stop" asks the server to shut down.
 */
#include "memory.h"

#include <stdarg.h>

static const char *const names[] = {"detail", "debug", "info", "warning"};

static const char *get_name(void)
{
    return "logs";
}

static void log_line(EXTENSION_LOG_LEVEL severity, const void *cookie, const char *format, ...)
{
    char line[256];
    int n = snprintf(line, sizeof line, "logs: own logger: %s: ",
                     severity <= EXTENSION_LOG_WARNING ? names[severity] : "?");
    va_list args;
    (void)cookie;
    va_start(args, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    record(line);
}

static EXTENSION_LOGGER_DESCRIPTOR logger = {get_name, log_line};

static void level_changed(const void *cookie, ENGINE_EVENT_TYPE type, const void *event_data,
                          const void *cb_data)
{
    const memory *m = cb_data;
    (void)cookie;
    (void)type;
    (void)event_data;
    m->server->log->get_logger()->log(EXTENSION_LOG_WARNING, NULL, "the level is %d",
                                      (int)m->server->log->get_level());
}

static ENGINE_ERROR_CODE initialize(ENGINE_HANDLE *handle, const char *config)
{
    SERVER_HANDLE_V1 *server = memory_of(handle)->server;
    int level;
    (void)config;
    for (level = EXTENSION_LOG_DETAIL; level <= EXTENSION_LOG_WARNING; level++) {
        server->log->get_logger()->log((EXTENSION_LOG_LEVEL)level, NULL, "logs: %s %d of %s, %.1f",
                                       names[level], level, "four", 0.5);
    }
    if (server->extension->get_extension(EXTENSION_LOGGER) != server->log->get_logger()) {
        record("logs: get_extension and get_logger differ");
    }
    if (!server->extension->register_extension(EXTENSION_LOGGER, &logger) ||
        server->log->get_logger() != &logger) {
        record("logs: the logger is not in place");
    }
    server->callback->register_callback(handle, ON_LOG_LEVEL, level_changed, handle);
    return ENGINE_SUCCESS;
}

static ENGINE_ERROR_CODE store(ENGINE_HANDLE *handle, const void *cookie, item *it,
                               uint64_t *cas, ENGINE_STORE_OPERATION op, uint16_t vbucket)
{
    const entry *e = it;
    SERVER_HANDLE_V1 *server = memory_of(handle)->server;
    if (e->nkey == 5 && memcmp(e->bytes, "level", 5) == 0 && e->nbytes == 1) {
        server->log->set_level((EXTENSION_LOG_LEVEL)(e->bytes[5] - '0'));
    } else if (e->nkey == 4 && memcmp(e->bytes, "stop", 4) == 0) {
        server->core->shutdown();
    }
    return memory_store(handle, cookie, it, cas, op, vbucket);
}

static void destroy(ENGINE_HANDLE *handle, const bool force)
{
    SERVER_HANDLE_V1 *server = memory_of(handle)->server;
    server->extension->unregister_extension(EXTENSION_LOGGER, &logger);
    if (server->log->get_logger() == &logger) {
        record("logs: the logger is still in place");
    }
    memory_destroy(handle, force);
}

MEMORY_ENGINE(memory, t->initialize = initialize;
              t->destroy = destroy;
              t->store = store;)
