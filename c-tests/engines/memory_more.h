/* What an engine in memory may have beside what is required: arithmetic, touch and gat. */
#ifndef MEMORY_MORE_H
#define MEMORY_MORE_H

#include "memory.h"

#include <arpa/inet.h>
#include <errno.h>

/* A number in place of the entry's, or of nothing; under the lock. */
static inline bool memory_put_number(memory *m, const void *key, size_t nkey, uint64_t number,
                                     int flags, rel_time_t exptime, uint64_t *cas)
{
    char text[24];
    size_t n = (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    entry *e = memory_entry(key, nkey, n, flags, exptime);
    entry **place = memory_place(m, key, nkey);
    if (e == NULL) {
        return false;
    }
    memcpy(e->bytes + nkey, text, n);
    *cas = e->cas = ++m->cas;
    if (*place != NULL) {
        memory_unlink(m, place);
    }
    place = memory_place(m, key, nkey);
    e->next = *place;
    *place = e;
    m->count++;
    return true;
}

static inline ENGINE_ERROR_CODE memory_arithmetic(ENGINE_HANDLE *handle, const void *cookie,
                                                  const void *key, const int nkey,
                                                  const bool increment, const bool create,
                                                  const uint64_t delta, const uint64_t initial,
                                                  const rel_time_t exptime, uint64_t *cas,
                                                  uint64_t *result, uint16_t vbucket)
{
    memory *m = memory_of(handle);
    ENGINE_ERROR_CODE code = ENGINE_SUCCESS;
    uint64_t number = initial;
    rel_time_t expiry = m->server->core->realtime(exptime);
    int flags = 0;
    entry *old;
    (void)cookie;
    (void)vbucket;
    pthread_mutex_lock(&m->lock);
    old = memory_live(m, key, (size_t)nkey);
    if (old != NULL) {
        char text[24] = "", *end;
        memcpy(text, old->bytes + old->nkey, old->nbytes < 23 ? old->nbytes : 23);
        errno = 0;
        number = strtoull(text, &end, 10);
        if (end == text || *end != '\0' || errno == ERANGE) {
            code = ENGINE_EINVAL;
        }
        number = increment ? number + delta : number > delta ? number - delta : 0;
        expiry = old->exptime;
        flags = old->flags;
    } else if (!create) {
        code = ENGINE_KEY_ENOENT;
    }
    if (code == ENGINE_SUCCESS) {
        *result = number;
        if (!memory_put_number(m, key, (size_t)nkey, number, flags, expiry, cas)) {
            code = ENGINE_ENOMEM;
        }
    }
    pthread_mutex_unlock(&m->lock);
    return code;
}

static inline ENGINE_ERROR_CODE memory_unknown_command(ENGINE_HANDLE *handle, const void *cookie,
                                                       protocol_binary_request_header *request,
                                                       ADD_RESPONSE response)
{
    memory *m = memory_of(handle);
    uint8_t opcode = request->request.opcode;
    uint16_t nkey = ntohs(request->request.keylen);
    const uint8_t *extras = request->bytes + sizeof *request;
    uint32_t exptime;
    rel_time_t expiry;
    entry *e;
    bool sent;
    if (opcode != PROTOCOL_BINARY_CMD_TOUCH && opcode != PROTOCOL_BINARY_CMD_GAT &&
        opcode != PROTOCOL_BINARY_CMD_GATQ) {
        return ENGINE_ENOTSUP;
    }
    memcpy(&exptime, extras, sizeof exptime);
    expiry = m->server->core->realtime(ntohl(exptime));
    pthread_mutex_lock(&m->lock);
    e = memory_live(m, extras + 4, nkey);
    if (e != NULL) {
        e->exptime = expiry;
        e->refs++;
    }
    pthread_mutex_unlock(&m->lock);
    if (e == NULL) {
        return opcode == PROTOCOL_BINARY_CMD_GATQ ||
                       response(NULL, 0, NULL, 0, NULL, 0, PROTOCOL_BINARY_RAW_BYTES,
                                PROTOCOL_BINARY_RESPONSE_KEY_ENOENT, 0, cookie)
                   ? ENGINE_SUCCESS
                   : ENGINE_FAILED;
    }
    if (opcode == PROTOCOL_BINARY_CMD_TOUCH) {
        sent = response(NULL, 0, NULL, 0, NULL, 0, PROTOCOL_BINARY_RAW_BYTES,
                        PROTOCOL_BINARY_RESPONSE_SUCCESS, 0, cookie);
    } else {
        sent = response(NULL, 0, &e->flags, sizeof e->flags, e->bytes + e->nkey,
                        (uint32_t)e->nbytes, PROTOCOL_BINARY_RAW_BYTES,
                        PROTOCOL_BINARY_RESPONSE_SUCCESS, e->cas, cookie);
    }
    memory_release(handle, cookie, e);
    return sent ? ENGINE_SUCCESS : ENGINE_FAILED;
}

#endif
