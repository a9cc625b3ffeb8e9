/* The host of engine_test: an instance's life, and the calls that commands lead to. */
#define _POSIX_C_SOURCE 200809L

#include "engine_server.h"

#include <arpa/inet.h>
#include <dlfcn.h>

ENGINE_HANDLE_V1 *engine;

CREATE_INSTANCE host_create(const char *library)
{
    union { /* C has no other way from an object's pointer to a function's */
        void *in;
        CREATE_INSTANCE out;
    } symbol;
    void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    CHECK(opened != NULL);
    symbol.in = dlsym(opened, "create_instance");
    CHECK(symbol.in != NULL);
    return symbol.out;
}

ENGINE_ERROR_CODE host_start(const char *library, const char *config)
{
    ENGINE_HANDLE *handle = NULL;
    ENGINE_ERROR_CODE code = host_create(library)(1, host_api, &handle);
    if (code != ENGINE_SUCCESS) {
        return code;
    }
    engine = (ENGINE_HANDLE_V1 *)handle;
    code = handle->interface == 1 ? engine->initialize(handle, config) : ENGINE_ENOTSUP;
    if (code != ENGINE_SUCCESS) {
        host_stop();
    }
    return code;
}

void host_stop(void)
{
    engine->destroy((ENGINE_HANDLE *)engine, false);
    engine = NULL;
    server_forget_callbacks();
}

client *client_new(void)
{
    client *c = calloc(1, sizeof *c);
    CHECK(c != NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->reserved = 1;
    server_raise(ON_CONNECT, NULL, c);
    return c;
}

void client_gone(client *c)
{
    server_raise(ON_DISCONNECT, NULL, c);
    client_unreserve(c);
}

int client_blocked(const client *c)
{
    return c->blocked;
}

/* ---- the calls ---- */

#define HANDLE ((ENGINE_HANDLE *)engine)

/* After ENGINE_EWOULDBLOCK: true, the call is to be made again; false, *code is the answer. */
static bool again(client *c, ENGINE_ERROR_CODE *code)
{
    if (*code != ENGINE_EWOULDBLOCK) {
        return false;
    }
    pthread_mutex_lock(&c->lock);
    while (!c->notified) {
        pthread_cond_wait(&c->changed, &c->lock);
    }
    c->notified = false;
    c->blocked++;
    *code = c->status;
    pthread_mutex_unlock(&c->lock);
    return *code == ENGINE_SUCCESS;
}

#define CALL(code, call)                                                                           \
    do {                                                                                           \
        code = call;                                                                               \
    } while (again(c, &code))

static void keep(client *c, found *f, const void *value, size_t n)
{
    free(c->value);
    c->value = malloc(n + 1);
    CHECK(c->value != NULL);
    if (n > 0) {
        memcpy(c->value, value, n);
    }
    c->value[n] = '\0';
    f->value = c->value;
    f->n = n;
}

static void info_of(client *c, item *it, item_info *info, const char *key, size_t nkey)
{
    memset(info, 0, sizeof *info);
    info->nvalue = 1;
    CHECK(engine->get_item_info(HANDLE, c, it, info));
    CHECK(info->nvalue == 1 && info->nbytes == info->value[0].iov_len);
    CHECK(info->nkey == nkey && memcmp(info->key, key, nkey) == 0);
}

ENGINE_ERROR_CODE do_get(client *c, const char *key, size_t nkey, found *f)
{
    item *it = NULL;
    item_info info;
    ENGINE_ERROR_CODE code;
    c->blocked = 0;
    CALL(code, engine->get(HANDLE, c, &it, key, (int)nkey, 0));
    if (code == ENGINE_SUCCESS) {
        info_of(c, it, &info, key, nkey);
        keep(c, f, info.value[0].iov_base, info.nbytes);
        f->flags = ntohl(info.flags);
        f->cas = info.cas;
        engine->release(HANDLE, c, it);
    }
    return code;
}

ENGINE_ERROR_CODE do_store(client *c, ENGINE_STORE_OPERATION op, const char *key, size_t nkey,
                           const char *value, size_t n, uint32_t flags, uint32_t exptime,
                           uint64_t *cas)
{
    item *it = NULL;
    item_info info;
    uint64_t unused = 0;
    ENGINE_ERROR_CODE code;
    c->blocked = 0;
    CALL(code, engine->allocate(HANDLE, c, &it, key, nkey, n, (int)htonl(flags), exptime));
    if (code != ENGINE_SUCCESS) {
        return code;
    }
    engine->item_set_cas(HANDLE, c, it, cas == NULL ? 0 : *cas);
    info_of(c, it, &info, key, nkey);
    CHECK(info.nbytes == n && info.flags == htonl(flags));
    if (n > 0) {
        memcpy(info.value[0].iov_base, value, n);
    }
    CALL(code, engine->store(HANDLE, c, it, cas == NULL ? &unused : cas, op, 0));
    engine->release(HANDLE, c, it);
    return code;
}

ENGINE_ERROR_CODE do_remove(client *c, const char *key, size_t nkey, uint64_t cas)
{
    ENGINE_ERROR_CODE code;
    c->blocked = 0;
    CALL(code, engine->remove(HANDLE, c, key, nkey, cas, 0));
    return code;
}

ENGINE_ERROR_CODE do_arithmetic(client *c, const char *key, size_t nkey, bool increment,
                                bool create, uint64_t delta, uint64_t *result)
{
    uint64_t cas;
    ENGINE_ERROR_CODE code;
    CALL(code, engine->arithmetic(HANDLE, c, key, (int)nkey, increment, create, delta, *result, 0,
                                  &cas, result, 0));
    return code;
}

static bool add_response(const void *key, uint16_t keylen, const void *ext, uint8_t extlen,
                         const void *body, uint32_t bodylen, uint8_t datatype, uint16_t status,
                         uint64_t cas, const void *cookie)
{
    client *c = client_of(cookie);
    (void)key;
    CHECK(keylen == 0 && datatype == 0 && c->response == -1);
    c->response = status;
    if (extlen == 4) {
        memcpy(&c->answer->flags, ext, 4);
        c->answer->flags = ntohl(c->answer->flags);
        c->answer->cas = cas;
        keep(c, c->answer, body, bodylen);
    }
    return true;
}

int do_touch(client *c, uint8_t opcode, const char *key, size_t nkey, uint32_t exptime, found *f)
{
    union {
        protocol_binary_request_touch touch;
        uint64_t aligned;
        char bytes[512];
    } packet;
    protocol_binary_request_header *header = &packet.touch.message.header;
    ENGINE_ERROR_CODE code;
    memset(&packet, 0, sizeof packet);
    header->request.magic = PROTOCOL_BINARY_REQ;
    header->request.opcode = opcode;
    header->request.keylen = htons((uint16_t)nkey);
    header->request.extlen = 4;
    header->request.bodylen = htonl((uint32_t)nkey + 4);
    packet.touch.message.body.expiration = htonl(exptime);
    memcpy(packet.bytes + sizeof packet.touch.bytes, key, nkey);
    c->response = -1;
    c->answer = f;
    CALL(code, engine->unknown_command(HANDLE, c, header, add_response));
    CHECK(code == ENGINE_SUCCESS);
    return c->response;
}

static void add_stat(const char *key, const uint16_t klen, const char *val, const uint32_t vlen,
                     const void *cookie)
{
    client *c = client_of(cookie);
    if (strlen(c->stat_name) == klen && memcmp(key, c->stat_name, klen) == 0) {
        char text[32] = "";
        memcpy(text, val, vlen < sizeof text ? vlen : sizeof text - 1);
        c->stat = atoll(text);
    }
}

long long do_stat(client *c, const char *name)
{
    c->stat_name = name;
    c->stat = -1;
    CHECK(engine->get_stats(HANDLE, c, NULL, 0, add_stat) == ENGINE_SUCCESS);
    return c->stat;
}
