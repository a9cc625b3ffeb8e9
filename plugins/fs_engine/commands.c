/*
 * The commands that come as packets of the binary protocol: TOUCH, GAT and GATQ.
 *
 * Copyright the kumo authors. SPDX-License-Identifier: Apache-2.0
 */
#include "fs_engine.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static uint16_t status_of(ENGINE_ERROR_CODE code)
{
    switch (code) {
    case ENGINE_SUCCESS:
        return PROTOCOL_BINARY_RESPONSE_SUCCESS;
    case ENGINE_KEY_ENOENT:
        return PROTOCOL_BINARY_RESPONSE_KEY_ENOENT;
    case ENGINE_EINVAL:
        return PROTOCOL_BINARY_RESPONSE_EINVAL;
    case ENGINE_ENOMEM:
        return PROTOCOL_BINARY_RESPONSE_ENOMEM;
    case ENGINE_TMPFAIL:
        return PROTOCOL_BINARY_RESPONSE_ETMPFAIL;
    default:
        return PROTOCOL_BINARY_RESPONSE_EINTERNAL;
    }
}

ENGINE_ERROR_CODE fs_unknown_command(ENGINE_HANDLE *handle, const void *cookie,
                                     protocol_binary_request_header *request,
                                     ADD_RESPONSE response)
{
    fs_engine *e = (fs_engine *)handle;
    uint8_t opcode = request->request.opcode;
    const uint8_t *packet = request->bytes;
    uint16_t nkey = ntohs(request->request.keylen);
    fs_item *item = NULL;
    uint32_t exptime, flags;
    ENGINE_ERROR_CODE code = ENGINE_EINVAL;
    bool sent;
    if (opcode != PROTOCOL_BINARY_CMD_TOUCH && opcode != PROTOCOL_BINARY_CMD_GAT &&
        opcode != PROTOCOL_BINARY_CMD_GATQ) {
        return ENGINE_ENOTSUP;
    }
    if (request->request.extlen == 4 && nkey > 0 &&
        ntohl(request->request.bodylen) == (uint32_t)nkey + 4) {
        memcpy(&exptime, packet + sizeof *request, sizeof exptime);
        code = fs_touch(e, packet + sizeof *request + 4, nkey, fs_expiry(e, ntohl(exptime)),
                        opcode == PROTOCOL_BINARY_CMD_TOUCH ? NULL : &item);
    }
    if (code == ENGINE_KEY_ENOENT && opcode == PROTOCOL_BINARY_CMD_GATQ) {
        return ENGINE_SUCCESS;
    }
    if (item == NULL) {
        sent = response(NULL, 0, NULL, 0, NULL, 0, PROTOCOL_BINARY_RAW_BYTES, status_of(code), 0,
                        cookie);
    } else {
        flags = htonl(item->meta.flags);
        sent = response(NULL, 0, &flags, sizeof flags, item->data, (uint32_t)item->nbytes,
                        PROTOCOL_BINARY_RAW_BYTES, PROTOCOL_BINARY_RESPONSE_SUCCESS,
                        item->meta.cas, cookie);
    }
    free(item);
    return sent ? ENGINE_SUCCESS : ENGINE_FAILED;
}
