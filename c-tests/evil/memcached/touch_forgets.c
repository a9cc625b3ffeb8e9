/* touch says that all is well, and changes nothing. */
#include "evil.h"

#include <arpa/inet.h>

static ENGINE_ERROR_CODE unknown_command(ENGINE_HANDLE *handle, const void *cookie,
                                         protocol_binary_request_header *request,
                                         ADD_RESPONSE response)
{
    item *it;
    uint16_t nkey = ntohs(request->request.keylen);
    ENGINE_ERROR_CODE code;
    if (request->request.opcode != PROTOCOL_BINARY_CMD_TOUCH) {
        return ENGINE_ENOTSUP;
    }
    code = memory_get(handle, cookie, &it, request->bytes + sizeof *request + 4, nkey, 0);
    if (code == ENGINE_SUCCESS) {
        memory_release(handle, cookie, it);
    }
    return response(NULL, 0, NULL, 0, NULL, 0, 0, code == ENGINE_SUCCESS ? 0 : 1, 0, cookie)
               ? ENGINE_SUCCESS
               : ENGINE_FAILED;
}

EVIL(t->unknown_command = unknown_command;)
