/* The server of engine_test: the tables that an engine is given. */
#define _POSIX_C_SOURCE 200809L

#include "engine_server.h"

#include <stdarg.h>
#include <time.h>

int host_logged;

/* ---- core ---- */

/* The clock stands, but for host_sleep: a slow machine is no other test. */
static int skipped; /* seconds; atomic */
static time_t started;

static rel_time_t get_current_time(void)
{
    return (rel_time_t)(2 + __atomic_load_n(&skipped, __ATOMIC_SEQ_CST));
}

static rel_time_t realtime(const time_t exptime)
{
    if (exptime == 0) {
        return 0;
    }
    if (exptime > 60 * 60 * 24 * 30) {
        return exptime <= started ? 1 : (rel_time_t)(exptime - started);
    }
    return (rel_time_t)exptime + get_current_time();
}

static time_t abstime(const rel_time_t exptime)
{
    return started + exptime;
}

static const char *server_version(void)
{
    return "engine_host";
}

static uint32_t hash(const void *data, size_t size, uint32_t seed)
{
    const unsigned char *bytes = data;
    while (size-- > 0) {
        seed = seed * 33 + *bytes++;
    }
    return seed;
}

/* Strings and booleans will do here. */
static int parse_config(const char *str, struct config_item items[], FILE *error)
{
    int result = 0;
    while (*str != '\0') {
        size_t n = strcspn(str, ";"), key = strcspn(str, "=");
        struct config_item *i = items;
        while (i->key != NULL && (strlen(i->key) != key || strncmp(i->key, str, key) != 0)) {
            i++;
        }
        if (key >= n || i->key == NULL) {
            fprintf(error, "unknown: %.*s\n", (int)n, str);
            result = 1;
        } else if (i->datatype == DT_BOOL) {
            *i->value.dt_bool = strncmp(str + key + 1, "on", 2) == 0;
            i->found = true;
        } else {
            *i->value.dt_string = strndup(str + key + 1, n - key - 1);
            i->found = true;
        }
        str += n + (str[n] == ';');
    }
    return result;
}

static void stop(void)
{
}

static bool get_config(struct config_item items[])
{
    return items[0].key == NULL;
}

void host_sleep(int seconds)
{
    __atomic_fetch_add(&skipped, seconds, __ATOMIC_SEQ_CST);
}

/* ---- the other tables ---- */

static void *new_stats(void)
{
    return calloc(1, 4096);
}

static void evicting(const void *cookie, const void *key, int nkey)
{
    (void)cookie;
    (void)key;
    (void)nkey;
}

client *client_of(const void *cookie)
{
    union { /* cookies are const to engines alone */
        const void *in;
        client *out;
    } u;
    u.in = cookie;
    return u.out;
}

static int get_socket_fd(const void *cookie)
{
    (void)cookie;
    return -1;
}

static void get_auth_data(const void *cookie, auth_data_t *data)
{
    (void)cookie;
    data->username = data->config = NULL;
}

static void store_engine_specific(const void *cookie, void *data)
{
    client *c = client_of(cookie);
    pthread_mutex_lock(&c->lock);
    c->specific = data;
    pthread_mutex_unlock(&c->lock);
}

static void *get_engine_specific(const void *cookie)
{
    client *c = client_of(cookie);
    void *data;
    pthread_mutex_lock(&c->lock);
    data = c->specific;
    pthread_mutex_unlock(&c->lock);
    return data;
}

static void notify_io_complete(const void *cookie, ENGINE_ERROR_CODE status)
{
    client *c = client_of(cookie);
    pthread_mutex_lock(&c->lock);
    c->notified = true;
    c->status = status;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static ENGINE_ERROR_CODE reserve(const void *cookie)
{
    client *c = client_of(cookie);
    pthread_mutex_lock(&c->lock);
    c->reserved++;
    pthread_mutex_unlock(&c->lock);
    return ENGINE_SUCCESS;
}

void client_unreserve(client *c)
{
    bool last;
    pthread_mutex_lock(&c->lock);
    last = --c->reserved == 0;
    pthread_mutex_unlock(&c->lock);
    if (last) {
        pthread_mutex_destroy(&c->lock);
        pthread_cond_destroy(&c->changed);
        free(c->value);
        free(c);
    }
}

static ENGINE_ERROR_CODE release_cookie(const void *cookie)
{
    client_unreserve(client_of(cookie));
    return ENGINE_SUCCESS;
}

#define CALLBACKS 8
static struct {
    ENGINE_EVENT_TYPE type;
    EVENT_CALLBACK call;
    const void *data;
} callbacks[CALLBACKS];
static int ncallbacks;

static void register_callback(ENGINE_HANDLE *handle, ENGINE_EVENT_TYPE type, EVENT_CALLBACK cb,
                              const void *data)
{
    CHECK(handle == (ENGINE_HANDLE *)engine && ncallbacks < CALLBACKS);
    callbacks[ncallbacks].type = type;
    callbacks[ncallbacks].call = cb;
    callbacks[ncallbacks++].data = data;
}

void server_raise(ENGINE_EVENT_TYPE type, const void *data, const void *cookie)
{
    int i;
    for (i = 0; i < ncallbacks; i++) {
        if (callbacks[i].type == type) {
            callbacks[i].call(cookie, type, data, callbacks[i].data);
        }
    }
}

void server_forget_callbacks(void)
{
    ncallbacks = 0;
}

static const char *logger_name(void)
{
    return "engine_host";
}

static void log_line(EXTENSION_LOG_LEVEL severity, const void *cookie, const char *format, ...)
{
    va_list args;
    (void)cookie;
    __atomic_fetch_add(&host_logged, 1, __ATOMIC_SEQ_CST);
    va_start(args, format);
    printf("[log %d: ", (int)severity);
    vprintf(format, args);
    printf("]\n");
    va_end(args);
}

static EXTENSION_LOGGER_DESCRIPTOR own_logger = {logger_name, log_line};
static EXTENSION_LOGGER_DESCRIPTOR *logger = &own_logger;
static EXTENSION_LOG_LEVEL log_level = EXTENSION_LOG_WARNING;

static bool register_extension(extension_type_t type, void *extension)
{
    if (type == EXTENSION_LOGGER) {
        logger = extension;
    }
    return type == EXTENSION_LOGGER;
}

static void unregister_extension(extension_type_t type, void *extension)
{
    if (type == EXTENSION_LOGGER && logger == extension) {
        logger = &own_logger;
    }
}

static void *get_extension(extension_type_t type)
{
    return type == EXTENSION_LOGGER ? logger : NULL;
}

static EXTENSION_LOGGER_DESCRIPTOR *get_logger(void)
{
    return logger;
}

static EXTENSION_LOG_LEVEL get_level(void)
{
    return log_level;
}

static void set_level(EXTENSION_LOG_LEVEL severity)
{
    log_level = severity;
    server_raise(ON_LOG_LEVEL, NULL, NULL);
}

SERVER_HANDLE_V1 *host_api(void)
{
    static SERVER_CORE_API core = {get_current_time, realtime,     abstime, server_version,
                                   hash,             parse_config, stop,    get_config};
    static SERVER_STAT_API stat = {new_stats, free, evicting};
    static SERVER_EXTENSION_API extension = {register_extension, unregister_extension,
                                             get_extension};
    static SERVER_CALLBACK_API callback = {register_callback, server_raise};
    static SERVER_LOG_API log = {get_logger, get_level, set_level};
    static SERVER_COOKIE_API cookie = {
        get_socket_fd,      get_auth_data, store_engine_specific, get_engine_specific,
        notify_io_complete, reserve,       release_cookie};
    static SERVER_HANDLE_V1 api = {1,         &core, &stat,  &extension,
                                   &callback, NULL,  &log,   &cookie};
    if (started == 0) {
        started = time(NULL) - 2;
    }
    return &api;
}
